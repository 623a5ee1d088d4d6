/** kubectl rollout: the shelf of its verbs. */
import { defineKubectlCommand } from "../../kubectl-command";
import { rolloutPause, rolloutRestart, rolloutResume } from "./change";
import { rolloutHistory } from "./history";
import { rolloutStatusCommand } from "./status";
import { rolloutUndo } from "./undo";

export const rollout = defineKubectlCommand({
  use: "rollout SUBCOMMAND",
  short: "Manage the rollout of a resource",
  group: "Deploy Commands",
  long: "Manage the rollout of one or many resources.\n\n Deployments, daemon sets and stateful sets have rollouts.",
  example:
    "  # Go back to the revision before\n  kubectl rollout undo deployment/web\n  \n  # Watch a rollout until it is done\n  kubectl rollout status deployment/web",
  commands: [rolloutHistory, rolloutPause, rolloutRestart, rolloutResume, rolloutStatusCommand, rolloutUndo],
});
