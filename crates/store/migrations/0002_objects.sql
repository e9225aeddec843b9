-- The second shape: objects that were replaced and are still to be removed, what a provider's resource has besides its value,
-- lineage, results of checks, and the history of the state.

ALTER TABLE environments ADD COLUMN lineage TEXT;
-- The results of checks as version 4 of Terraform's state writes them.
ALTER TABLE environments ADD COLUMN checks TEXT;

-- The key of a deposed object is part of what names a row; the current object's is empty.
ALTER TABLE resources RENAME TO resources_of_shape_1;
CREATE TABLE resources (
    environment TEXT NOT NULL,
    address     TEXT NOT NULL,
    deposed     TEXT NOT NULL,
    value       TEXT NOT NULL,
    notes       TEXT,
    type        TEXT NOT NULL,
    depends_on  TEXT,
    record      TEXT,
    serial      BIGINT NOT NULL,
    PRIMARY KEY (environment, address, deposed)
);
INSERT INTO resources (environment, address, deposed, value, notes, type, depends_on, serial)
    SELECT environment, address, '', value, notes, type, depends_on, serial FROM resources_of_shape_1;
DROP TABLE resources_of_shape_1;

ALTER TABLE journal ADD COLUMN deposed TEXT NOT NULL DEFAULT '';
ALTER TABLE journal ADD COLUMN record TEXT;
-- The serial that the state had after it; null while it is open, and for what was finished in the first shape.
ALTER TABLE journal ADD COLUMN serial BIGINT;

-- What a row was before the change that made a serial: going back from today's rows, newest change first, gives every earlier
-- version. A null value: there was none.
CREATE TABLE former_rows (
    environment TEXT NOT NULL,
    serial      BIGINT NOT NULL,
    address     TEXT NOT NULL,
    deposed     TEXT NOT NULL,
    value       TEXT,
    notes       TEXT,
    type        TEXT,
    depends_on  TEXT,
    record      TEXT,
    PRIMARY KEY (environment, serial, address, deposed)
);

-- What outputs, results of checks and lineage were before the change that made a serial.
CREATE TABLE former_wholes (
    environment TEXT NOT NULL,
    serial      BIGINT NOT NULL,
    lineage     TEXT,
    checks      TEXT,
    outputs     TEXT NOT NULL,
    PRIMARY KEY (environment, serial)
);
