// Lint of the page's scripts and their tests. Prettier formats; ESLint looks for mistakes.

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["node_modules/", ".ci/", ".venv/", "runs/"] },
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2024, sourceType: "module" },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-shadow": ["error", { hoist: "all" }],
      "no-use-before-define": ["error", { functions: false, classes: true, variables: false }],
      "no-var": "error",
      "no-implicit-globals": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
    },
  },
  { files: ["demo/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["tests/js/**/*.js", "eslint.config.js"], languageOptions: { globals: globals.node } },
];
