/** Provides the part "tools": awk, jq, sed, ps and the other tools that a shell can do without for a while. */
import { moreTools } from "../shell/coreutils/index";
import * as code from "../shell/coreutils/more";

moreTools.provide(code);
