import assert from "node:assert/strict";
import { test } from "node:test";

import { pointToManifest } from "../../../demo/header/manifest.js";

const pageWith = (link, root) => ({ gradio_config: { root }, document: { querySelector: () => link } });

test("behind a path the manifest is that of the page's own path", () => {
  const link = { href: "/manifest.json" };
  pointToManifest(pageWith(link, "https://example.org/osprey/"));
  assert.equal(link.href, "https://example.org/osprey/manifest.json");
});

test("without a path, or without a link, nothing changes", () => {
  const link = { href: "/manifest.json" };
  pointToManifest(pageWith(link, ""));
  pointToManifest(pageWith(null, "https://example.org/osprey"));
  pointToManifest({ document: { querySelector: () => link } });
  assert.equal(link.href, "/manifest.json");
});
