// The page's manifest, by which it can be installed as an app: Gradio's link names it at the server's root, which is
// another page where this one is served under a path.
export function pointToManifest({ gradio_config: config, document }) {
  const link = document.querySelector("link[rel=manifest]");
  const root = ((config && config.root) || "").replace(/\/$/, "");
  if (link && root) link.href = `${root}/manifest.json`;
}
