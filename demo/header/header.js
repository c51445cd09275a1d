// The header: the help sheet behind its button, the choice of language, light or dark, the model's details.

import { component } from "../shared/component.js";
import { mountDetails } from "./details.js";
import { mountHelp } from "./help.js";
import { mountLanguageChoice } from "../i18n/language.js";
import { mountTheme } from "./theme.js";

export function mount(host) {
  component("header", host, (parts) => {
    mountHelp(parts);
    mountLanguageChoice(parts);
    mountTheme(parts);
    mountDetails(parts);
  });
}
