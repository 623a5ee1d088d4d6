/** BuildKit's remarks on Dockerfiles, in the order in which it makes them. */
import type { Dockerfile, Instruction } from "./dockerfile";
import { jsonForm } from "./dockerfile";

export interface Remark {
  readonly rule: string;
  readonly message: string;
  readonly description: string;
  readonly line: number;
}

export function lint(dockerfile: Dockerfile): Remark[] {
  const remarks: Remark[] = [];
  const say = (rule: string, message: string, description: string, line: number): void =>
    void remarks.push({ rule, message, description, line });
  const upper = dockerfile.all.filter((each) => each.keyword === each.name).length;
  const lower = dockerfile.all.filter((each) => each.keyword === each.keyword.toLowerCase()).length;
  const names = new Set<string>();
  for (const stage of dockerfile.stages) {
    const words = stage.from.args.split(/\s+/);
    const name = words[2];
    if (name && name !== name.toLowerCase())
      say(
        "StageNameCasing",
        `Stage name '${name}' should be lowercase`,
        "Stage names should be lowercase",
        stage.from.start,
      );
    if (name && words[1] !== undefined) {
      const keywordIsUpper = stage.from.keyword === "FROM";
      if (keywordIsUpper !== (words[1] === "AS"))
        say(
          "FromAsCasing",
          `'${words[1]}' and 'FROM' keywords' casing do not match`.replace("'FROM'", `'${stage.from.keyword}'`),
          "The 'as' keyword should match the case of the 'from' keyword",
          stage.from.start,
        );
    }
    if (stage.name !== "" && names.has(stage.name))
      say(
        "DuplicateStageName",
        `Duplicate stage name ${JSON.stringify(stage.name)}, stage names should be unique`,
        "Stage names should be unique",
        stage.from.start,
      );
    names.add(stage.name);
  }
  for (const each of dockerfile.all)
    if (each.name === "MAINTAINER")
      say(
        "MaintainerDeprecated",
        "Maintainer instruction is deprecated in favor of using label",
        "The MAINTAINER instruction is deprecated, use a label instead to define an image author",
        each.start,
      );
  for (const each of dockerfile.all) {
    const majority = upper >= lower ? "uppercase" : "lowercase";
    const matches = majority === "uppercase" ? each.keyword === each.name : each.keyword === each.keyword.toLowerCase();
    if (!matches && upper + lower > 0)
      say(
        "ConsistentInstructionCasing",
        `Command '${each.keyword}' should match the case of the command majority (${majority})`,
        "All commands within the Dockerfile should use the same casing (either upper or lower)",
        each.start,
      );
  }
  for (const stage of dockerfile.stages) remarkStage(stage.instructions, say);
  return remarks;
}

const secretName = /(?:^|_)(apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i;

function remarkStage(
  instructions: readonly Instruction[],
  say: (rule: string, message: string, description: string, line: number) => void,
): void {
  const last = new Map<string, Instruction>();
  for (const each of instructions) {
    if (each.name === "CMD" || each.name === "ENTRYPOINT" || each.name === "HEALTHCHECK") {
      const before = last.get(each.name);
      if (before)
        say(
          "MultipleInstructionsDisallowed",
          `Multiple ${each.name} instructions should not be used in the same stage because only the last one will be used`,
          `Multiple ${each.name} instructions should not be used in the same stage`,
          before.start,
        );
      last.set(each.name, each);
    }
    if ((each.name === "CMD" || each.name === "ENTRYPOINT") && !jsonForm(each.args))
      say(
        "JSONArgsRecommended",
        `JSON arguments recommended for ${each.name} to prevent unintended behavior related to OS signals`,
        "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
        each.start,
      );
    if (each.name === "ENV" || each.name === "LABEL") {
      const first = each.args.trim().split(/\s+/)[0] ?? "";
      if (!first.includes("="))
        say(
          "LegacyKeyValueFormat",
          `"${each.name} key=value" should be used instead of legacy "${each.name} key value" format`,
          "Legacy key/value format with whitespace separator should not be used",
          each.start,
        );
    }
    if (each.name === "ENV" || each.name === "ARG") {
      const name = /^\s*(\w+)/.exec(each.args)?.[1] ?? "";
      if (secretName.test(name) && !/public/i.test(name))
        say(
          "SecretsUsedInArgOrEnv",
          `Do not use ARG or ENV instructions for sensitive data (${each.name} "${name}")`,
          "Sensitive data should not be used in the ARG or ENV commands",
          each.start,
        );
    }
    if (each.name === "WORKDIR" && !/^["']?[/$]/.test(each.args.trim()))
      say(
        "WorkdirRelativePath",
        `Relative workdir ${JSON.stringify(each.args.trim())} can have unexpected results if the base image changes`,
        "Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes",
        each.start,
      );
  }
}
