-- A command that was interrupted is done once more, but noted down once.
ALTER TABLE "audit" ADD COLUMN "cause" TEXT;
CREATE UNIQUE INDEX "audit_cause_key" ON "audit"("cause");
