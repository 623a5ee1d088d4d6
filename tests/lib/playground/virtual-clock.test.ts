import { expect, test } from "vitest";
import { VirtualClock } from "@/lib/playground/virtual-clock";

test("runs with the wall at speed 1, and faster when asked", () => {
  const clock = new VirtualClock(1000, 0);
  expect(clock.at(1250)).toBe(250);
  clock.speed = 20;
  expect(clock.at(1300)).toBe(1250);
});

test("a night's sleep of the computer is not run through", () => {
  const clock = new VirtualClock(0, 0);
  expect(clock.at(8 * 3600 * 1000)).toBeLessThanOrEqual(1000);
});

test("rests when nobody types, and wakes where it stood", () => {
  const clock = new VirtualClock(0, 0);
  for (let wall = 0; wall <= 700_000; wall += 500) clock.at(wall);
  expect(clock.isResting(700_000)).toBe(true);
  const stood = clock.at(701_000);
  expect(clock.at(900_000)).toBe(stood);
  clock.wake(900_000);
  expect(clock.isResting(900_000)).toBe(false);
  expect(clock.at(900_400)).toBe(stood + 400);
});

test("a hidden page rests sooner", () => {
  const clock = new VirtualClock(0, 0);
  clock.show(false, 0);
  expect(clock.isResting(121_000)).toBe(true);
});
