-- AlterTable
ALTER TABLE "Attempt" ADD COLUMN     "hints" INTEGER,
ADD COLUMN     "review" INTEGER;

-- CreateTable
CREATE TABLE "Review" (
    "learnerId" TEXT NOT NULL,
    "lesson" TEXT NOT NULL,
    "step" INTEGER NOT NULL DEFAULT 0,
    "round" INTEGER NOT NULL DEFAULT 0,
    "dueAt" TIMESTAMP(3),
    "passedAt" TIMESTAMP(3),
    "hints" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "Review_pkey" PRIMARY KEY ("learnerId","lesson")
);

-- AddForeignKey
ALTER TABLE "Review" ADD CONSTRAINT "Review_learnerId_fkey" FOREIGN KEY ("learnerId") REFERENCES "Learner"("id") ON DELETE CASCADE ON UPDATE CASCADE;
