import { expect, test } from "vitest";
import { DOCKER_TABLE, KUBECTL_DESCRIBE, KUBECTL_TABLE, TabWriter, tabulate } from "@/simulator/text/tabwriter";

const rows = [
  {
    name: "kubectl's tables: at least six wide, three apart, nothing after the last cell",
    options: KUBECTL_TABLE,
    text: "NAME\tREADY\tAGE\nhello-world\t1/1\t5s\n",
    expected: "NAME          READY   AGE\nhello-world   1/1     5s\n",
  },
  {
    name: "docker's tables: at least ten wide",
    options: DOCKER_TABLE,
    text: "NAMES\tSTATUS\nr1\tUp 1 second\n",
    expected: "NAMES     STATUS\nr1        Up 1 second\n",
  },
  {
    name: "a line without a cell ends a column",
    options: KUBECTL_DESCRIBE,
    text: "Name:\tx\nIPs:\n  IP:\t10.0.0.1\n",
    expected: "Name:  x\nIPs:\n  IP:  10.0.0.1\n",
  },
  {
    name: "an empty last cell is kept, without padding after it",
    options: KUBECTL_TABLE,
    text: "A\tB\t\n1\t2\t\n",
    expected: "A     B     \n1     2     \n",
  },
  {
    name: "characters count, not UTF-16 units",
    options: KUBECTL_DESCRIBE,
    text: "😀\tx\nab\ty\n",
    expected: "😀   x\nab  y\n",
  },
];

test.each(rows)("$name", ({ options, text, expected }) => {
  expect(tabulate(text, options)).toBe(expected);
});

test("remembers widths across flushes, as get -w needs it", () => {
  const writer = new TabWriter(KUBECTL_TABLE);
  writer.write("STATUS\tAGE\nContainerCreating\t0s\n");
  writer.flush();
  writer.write("Running\t1s\n");
  expect(writer.flush()).toBe("Running             1s\n");
});
