import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KubectlWorld, replay } from "../../../support/kubernetes/kubectl";

const folder = join(import.meta.dirname, "../../../transcripts/kubectl");

for (const name of readdirSync(folder).sort()) {
  test(`transcript ${name}`, () => {
    const path = join(folder, name);
    const written = readFileSync(path, "utf8");
    const played = replay(written, new KubectlWorld());
    if (process.env.UPDATE_TRANSCRIPTS) writeFileSync(path, played);
    expect(played).toBe(written);
  });
}
