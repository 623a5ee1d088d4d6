/** Provides the part "kubectl": kubectl. */
import * as code from "../kubernetes/kubectl/kubectl";
import { kubectlCli } from "../machine/parts";

kubectlCli.provide(code);
