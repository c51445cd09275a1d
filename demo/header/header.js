// The header: the help sheet behind its button, and the choice of language.

import { component } from "../shared/component.js";
import { mountHelp } from "./help.js";
import { mountLanguageChoice } from "../i18n/language.js";

export function mount(host) {
  component("header", host, (parts) => {
    mountHelp(parts);
    mountLanguageChoice(parts);
  });
}
