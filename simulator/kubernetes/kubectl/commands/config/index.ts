/** kubectl config: looks at and changes kubeconfig files. */
import { defineKubectlCommand } from "../../kubectl-command";
import { currentContext, getClusters, getContexts, getUsers, view } from "./read";
import {
  deleteCluster,
  deleteContext,
  deleteUser,
  renameContext,
  setCluster,
  setContext,
  setCredentials,
  setValue,
  unsetValue,
  useContext,
} from "./write";

export const config = defineKubectlCommand({
  use: "config SUBCOMMAND",
  short: "Modify kubeconfig files",
  long: 'Modify kubeconfig files using subcommands like "kubectl config use-context my-context".\n\n The file is chosen so:\n\n  1.  --kubeconfig, if it is given.\n  2.  $KUBECONFIG: a list of files, which are merged.\n  3.  ${HOME}/.kube/config otherwise.',
  commands: [
    currentContext,
    deleteCluster,
    deleteContext,
    deleteUser,
    getClusters,
    getContexts,
    getUsers,
    renameContext,
    setValue,
    setCluster,
    setContext,
    setCredentials,
    unsetValue,
    useContext,
    view,
  ],
});
