// The header: the help sheet behind its button, the choice of language, light or dark, the model's details; and the
// page's link to its manifest.

import { component } from "../shared/component.js";
import { mountDetails } from "./details.js";
import { mountHelp } from "./help.js";
import { mountLanguageChoice } from "../i18n/language.js";
import { mountTheme } from "./theme.js";
import { pointToManifest } from "./manifest.js";

export function mount(host) {
  pointToManifest(window);
  component("header", host, (parts) => {
    mountHelp(parts);
    mountLanguageChoice(parts);
    mountTheme(parts);
    mountDetails(parts);
  });
}
