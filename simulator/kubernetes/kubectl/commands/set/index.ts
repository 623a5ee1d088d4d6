/** kubectl set: the shelf of its verbs. */
import { defineKubectlCommand } from "../../kubectl-command";
import { setEnv } from "./env";
import { setImage } from "./image";
import { setResources, setSelector, setServiceAccount, setSubject } from "./others";

export const set = defineKubectlCommand({
  use: "set SUBCOMMAND",
  short: "Set specific features on objects",
  group: "Basic Commands (Beginner)",
  long: "Configure application resources.\n\n These commands change one thing of an object that exists.",
  commands: [setEnv, setImage, setResources, setSelector, setServiceAccount, setSubject],
});
