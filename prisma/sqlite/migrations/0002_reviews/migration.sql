-- AlterTable
ALTER TABLE "Attempt" ADD COLUMN "hints" INTEGER;
ALTER TABLE "Attempt" ADD COLUMN "review" INTEGER;

-- CreateTable
CREATE TABLE "Review" (
    "learnerId" TEXT NOT NULL,
    "lesson" TEXT NOT NULL,
    "step" INTEGER NOT NULL DEFAULT 0,
    "round" INTEGER NOT NULL DEFAULT 0,
    "dueAt" DATETIME,
    "passedAt" DATETIME,
    "hints" INTEGER NOT NULL DEFAULT 0,

    PRIMARY KEY ("learnerId", "lesson"),
    CONSTRAINT "Review_learnerId_fkey" FOREIGN KEY ("learnerId") REFERENCES "Learner" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);
