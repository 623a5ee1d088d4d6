/** exec: the program takes the place of the shell, with the descriptors of the moment. */
import { expect, test } from "vitest";
import { runScript } from "./world";

test.each([
  ["a group's redirection stays after exec", "echo one > f; { exec cat; } < f", "one\n"],
  ["a descriptor opened for one group stays after exec", "echo two > f; { exec cat <&3; } 3< f", "two\n"],
  ["process substitution stays open after exec", "exec cat <(echo three)", "three\n"],
  ["in a function", "f() { exec echo four; }; f; echo never", "four\n"],
  ["in a sourced file", "echo 'exec echo five' > s; . ./s; echo never", "five\n"],
  ["the EXIT trap is gone", "trap 'echo trap' EXIT; exec echo six", "six\n"],
  ["the exit status is the program's", "(exec sh -c 'exit 7'); echo $?", "7\n"],
  ["a command substitution ends with the program", 'echo "<$(exec echo eight)>"', "<eight>\n"],
  ["env and nice replace themselves too", "exec env A=9 sh -c 'echo $A'", "9\n"],
])("exec: %s", (_name, script, output) => {
  expect(runScript(script, { argv: ["bash", "-c", script] }).stdout).toBe(output);
});
