-- The first shape of a project's state. Standard SQL: the same statements run on SQLite and on PostgreSQL.
-- Times are Unix milliseconds. JSON is text. Sensitive parts of values are sealed before they come here.

-- One row for each environment that has ever had an operation.
CREATE TABLE environments (
    environment TEXT NOT NULL PRIMARY KEY,
    serial      BIGINT NOT NULL,
    operations  BIGINT NOT NULL
);

-- Types of values by the hash of their JSON: thousands of rows share a handful.
CREATE TABLE types (
    hash TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL
);

-- What is known of each resource instance.
CREATE TABLE resources (
    environment TEXT NOT NULL,
    address     TEXT NOT NULL,
    value       TEXT NOT NULL,
    notes       TEXT,
    type        TEXT NOT NULL,
    depends_on  TEXT,
    serial      BIGINT NOT NULL,
    PRIMARY KEY (environment, address)
);

-- Intent before act, result after. An operation without finished_at_ms is open.
CREATE TABLE journal (
    environment    TEXT NOT NULL,
    number         BIGINT NOT NULL,
    deployment     TEXT NOT NULL,
    address        TEXT NOT NULL,
    action         TEXT NOT NULL,
    before_value   TEXT,
    after_value    TEXT,
    depends_on     TEXT,
    taking_back    BIGINT NOT NULL,
    begun_at_ms    BIGINT NOT NULL,
    finished_at_ms BIGINT,
    outcome        TEXT,
    PRIMARY KEY (environment, number)
);

CREATE INDEX journal_open ON journal (environment, number) WHERE finished_at_ms IS NULL;

-- A row stays when its lease is given back, so that the token goes on growing; its holder is then null.
CREATE TABLE leases (
    environment   TEXT NOT NULL PRIMARY KEY,
    token         BIGINT NOT NULL,
    holder        TEXT,
    since_ms      BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);

CREATE TABLE outputs (
    environment TEXT NOT NULL,
    name        TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (environment, name)
);

-- Contents of configuration files by the SHA-256 of their bytes: base64 of zstd.
CREATE TABLE files (
    hash    TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);

CREATE TABLE revisions (
    environment TEXT NOT NULL,
    id          TEXT NOT NULL,
    files       TEXT NOT NULL,
    given       TEXT NOT NULL,
    releases    TEXT NOT NULL,
    kept_at_ms  BIGINT NOT NULL,
    PRIMARY KEY (environment, id)
);

CREATE TABLE deployments (
    environment   TEXT NOT NULL,
    id            TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    deployment    TEXT NOT NULL,
    PRIMARY KEY (environment, id)
);

CREATE TABLE releases (
    environment   TEXT NOT NULL,
    image         TEXT NOT NULL,
    digest        TEXT NOT NULL,
    version       TEXT,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (environment, image)
);
