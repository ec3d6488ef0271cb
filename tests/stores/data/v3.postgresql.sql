CREATE SCHEMA old;
CREATE TABLE old.agents (
    agent_id text NOT NULL COLLATE pg_catalog."C",
    role text NOT NULL COLLATE pg_catalog."C",
    key_id text NOT NULL COLLATE pg_catalog."C",
    key_hash character varying(64) NOT NULL,
    max_runs bigint,
    max_rate bigint,
    max_body bigint,
    created_at bigint NOT NULL,
    rotated_at bigint,
    revoked_at bigint
);
CREATE TABLE old.chain_anchors (
    sequence bigint NOT NULL,
    hash text NOT NULL COLLATE pg_catalog."C",
    executed_at bigint NOT NULL
);
CREATE TABLE old.chain_head (
    id integer NOT NULL,
    sequence bigint NOT NULL,
    hash character varying(64) NOT NULL
);
CREATE TABLE old.events (
    sequence bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    event_type text NOT NULL COLLATE pg_catalog."C",
    "timestamp" bigint NOT NULL,
    agent_id text NOT NULL COLLATE pg_catalog."C",
    channel_id text NOT NULL COLLATE pg_catalog."C",
    request_id text NOT NULL COLLATE pg_catalog."C",
    code_hash text NOT NULL COLLATE pg_catalog."C",
    pattern text COLLATE pg_catalog."C",
    severity text COLLATE pg_catalog."C",
    data text NOT NULL COLLATE pg_catalog."C"
);
CREATE SEQUENCE old.events_sequence_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE old.events_sequence_seq OWNED BY old.events.sequence;
CREATE TABLE old.executions (
    sequence bigint NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    channel_id text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    code_hash text NOT NULL COLLATE pg_catalog."C",
    code_length bigint NOT NULL,
    code_snippet text NOT NULL COLLATE pg_catalog."C",
    success boolean NOT NULL,
    output text NOT NULL COLLATE pg_catalog."C",
    logs text NOT NULL COLLATE pg_catalog."C",
    error text COLLATE pg_catalog."C",
    error_type text COLLATE pg_catalog."C",
    execution_time double precision NOT NULL,
    timeout double precision NOT NULL,
    memory_usage double precision NOT NULL,
    timeout_occurred boolean NOT NULL,
    context_data text NOT NULL COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    executed_at bigint NOT NULL,
    created_at bigint NOT NULL,
    details text NOT NULL COLLATE pg_catalog."C",
    previous_hash text NOT NULL COLLATE pg_catalog."C",
    hash text NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE old.rollup_state (
    id integer NOT NULL,
    watermark bigint NOT NULL
);
CREATE TABLE old.rollups (
    day text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    total bigint NOT NULL,
    successful bigint NOT NULL,
    failed bigint NOT NULL,
    timeouts bigint NOT NULL,
    sum_execution_time double precision NOT NULL,
    sum_memory double precision NOT NULL,
    max_memory double precision NOT NULL
);
CREATE TABLE old.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    applied_at bigint NOT NULL
);
ALTER TABLE ONLY old.events ALTER COLUMN sequence SET DEFAULT nextval('old.events_sequence_seq'::regclass);
INSERT INTO old.agents VALUES ('ada', 'agent', '0000000000000000', 'hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh', NULL, NULL, NULL, 1790000000000, NULL, NULL);
INSERT INTO old.chain_head VALUES (1, 3, 'fd6bae56c4228a7e25bb84528d46875bd1152056c794aa327d899f366a89af64');
INSERT INTO old.events VALUES (1, 'a903051dde289d9cc3155c1a2a0cb036', 'code:execution:started', 1790000000001, 'ada', 'channel', 'old-1', 'a3b5c7d9e1f20344', NULL, NULL, '{"eventType":"code:execution:started","requestId":"old-1","codeHash":"a3b5c7d9e1f20344","language":"javascript","codeLength":12,"timeout":5000.0}');
INSERT INTO old.events VALUES (2, 'ff89527561bb71c852662edb9d65cf09', 'code:execution:completed', 1790000000001, 'ada', 'channel', 'old-1', 'a3b5c7d9e1f20344', NULL, NULL, '{"eventType":"code:execution:completed","requestId":"old-1","codeHash":"a3b5c7d9e1f20344","language":"javascript","executionTime":12.5,"outputSize":1,"logCount":1,"resourceUsage":{"memory":1.0,"timeout":false}}');
INSERT INTO old.events VALUES (3, 'a1bd98547d24ce412d543b609ead2baa', 'code:execution:started', 1790000000002, 'bob', 'channel', 'old-2', 'a3b5c7d9e1f20344', NULL, NULL, '{"eventType":"code:execution:started","requestId":"old-2","codeHash":"a3b5c7d9e1f20344","language":"javascript","codeLength":12,"timeout":5000.0}');
INSERT INTO old.events VALUES (4, 'fe9f67b7676ea4eccbcfa3daf292552a', 'code:execution:completed', 1790000000002, 'bob', 'channel', 'old-2', 'a3b5c7d9e1f20344', NULL, NULL, '{"eventType":"code:execution:completed","requestId":"old-2","codeHash":"a3b5c7d9e1f20344","language":"javascript","executionTime":12.5,"outputSize":1,"logCount":1,"resourceUsage":{"memory":1.0,"timeout":false}}');
INSERT INTO old.events VALUES (5, 'f5ff27cef1998ab6d56d6440d0860ef5', 'code:execution:started', 1790000000003, 'ada', 'channel', 'old-3', 'a3b5c7d9e1f20344', NULL, NULL, '{"eventType":"code:execution:started","requestId":"old-3","codeHash":"a3b5c7d9e1f20344","language":"javascript","codeLength":12,"timeout":5000.0}');
INSERT INTO old.events VALUES (6, 'a3b0efb4b597700224c8bb565efbd858', 'code:execution:completed', 1790000000003, 'ada', 'channel', 'old-3', 'a3b5c7d9e1f20344', NULL, NULL, '{"eventType":"code:execution:completed","requestId":"old-3","codeHash":"a3b5c7d9e1f20344","language":"javascript","executionTime":12.5,"outputSize":1,"logCount":1,"resourceUsage":{"memory":1.0,"timeout":false}}');
INSERT INTO old.executions VALUES (1, 'old-1', 'ada', 'channel', 'javascript', 'a3b5c7d9e1f20344', 12, 'return 1 + 1', true, '{"\u03c0":[1,"\u0000"]}', '["[WARN] careful"]', NULL, NULL, 12.5, 5000, 3.25, false, '{"key":"value"}', NULL, 1790000000001, 1790000000002, '{"cpuTime":1.5}', '0000000000000000000000000000000000000000000000000000000000000000', 'deca8fa96878a7ec277d438d6a7bda53ea46a7fde45e70a2dd71693aaaaef667');
INSERT INTO old.executions VALUES (2, 'old-2', 'bob', 'channel', 'javascript', 'a3b5c7d9e1f20344', 12, 'return 1 + 1', false, '2', '["[WARN] careful"]', 'Error: no', 'runtime', 12.5, 5000, 3.25, false, '{"key":"value"}', NULL, 1790000000002, 1790000000003, '{"errorInfo":{"type":"runtime","name":"Error","message":"no"}}', 'deca8fa96878a7ec277d438d6a7bda53ea46a7fde45e70a2dd71693aaaaef667', '7b9086e4769d9bd8a01c15a54847c0d894eb11fb2d321438e76c865a3f1caba6');
INSERT INTO old.executions VALUES (3, 'old-3', 'ada', 'channel', 'javascript', 'a3b5c7d9e1f20344', 12, 'return 1 + 1', true, '2', '["[WARN] careful"]', NULL, NULL, 12.5, 5000, 3.25, false, '{"key":"value"}', NULL, 1790000000003, 1790000000004, '{"cpuTime":1.5}', '7b9086e4769d9bd8a01c15a54847c0d894eb11fb2d321438e76c865a3f1caba6', 'fd6bae56c4228a7e25bb84528d46875bd1152056c794aa327d899f366a89af64');
INSERT INTO old.rollup_state VALUES (1, 3);
INSERT INTO old.rollups VALUES ('2026-09-21', 'ada', 'javascript', 2, 2, 0, 0, 25, 6.5, 3.25);
INSERT INTO old.rollups VALUES ('2026-09-21', 'bob', 'javascript', 1, 0, 1, 0, 12.5, 3.25, 3.25);
INSERT INTO old.schema_migrations VALUES (1, 'create the tables', 1795905070350);
INSERT INTO old.schema_migrations VALUES (2, 'index what is asked for', 1795905070375);
INSERT INTO old.schema_migrations VALUES (3, 'know agents by their keys', 1795905070380);
SELECT pg_catalog.setval('old.events_sequence_seq', 6, true);
ALTER TABLE ONLY old.agents
    ADD CONSTRAINT agents_key_id_key UNIQUE (key_id);
ALTER TABLE ONLY old.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (agent_id);
ALTER TABLE ONLY old.chain_anchors
    ADD CONSTRAINT chain_anchors_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY old.chain_head
    ADD CONSTRAINT chain_head_pkey PRIMARY KEY (id);
ALTER TABLE ONLY old.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY old.executions
    ADD CONSTRAINT executions_pkey PRIMARY KEY (sequence);
ALTER TABLE ONLY old.rollup_state
    ADD CONSTRAINT rollup_state_pkey PRIMARY KEY (id);
ALTER TABLE ONLY old.rollups
    ADD CONSTRAINT rollups_pkey PRIMARY KEY (day, agent_id, language);
ALTER TABLE ONLY old.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);
CREATE INDEX ix_events_agent_id ON old.events USING btree (agent_id);
CREATE INDEX ix_events_agent_issues ON old.events USING btree (agent_id, pattern, severity, "timestamp") WHERE (pattern IS NOT NULL);
CREATE INDEX ix_events_channel_id ON old.events USING btree (channel_id);
CREATE INDEX ix_events_issues ON old.events USING btree (pattern, severity, "timestamp") WHERE (pattern IS NOT NULL);
CREATE INDEX ix_events_request_id ON old.events USING btree (request_id);
CREATE INDEX ix_events_timestamp ON old.events USING btree ("timestamp");
CREATE INDEX ix_executions_agent_id ON old.executions USING btree (agent_id);
CREATE INDEX ix_executions_agent_id_executed_at ON old.executions USING btree (agent_id, executed_at DESC);
CREATE INDEX ix_executions_agent_id_success_executed_at ON old.executions USING btree (agent_id, success, executed_at DESC);
CREATE INDEX ix_executions_agent_lengths ON old.executions USING btree (agent_id, code_length, success, execution_time, executed_at);
CREATE INDEX ix_executions_agent_repeats ON old.executions USING btree (agent_id, code_hash, executed_at DESC, success);
CREATE INDEX ix_executions_agent_runs ON old.executions USING btree (agent_id, executed_at DESC, language, success, timeout_occurred, error_type, execution_time, memory_usage);
CREATE INDEX ix_executions_agent_times ON old.executions USING btree (agent_id, execution_time, executed_at);
CREATE INDEX ix_executions_channel_id ON old.executions USING btree (channel_id);
CREATE INDEX ix_executions_channel_id_executed_at ON old.executions USING btree (channel_id, executed_at DESC);
CREATE INDEX ix_executions_channel_id_language_executed_at ON old.executions USING btree (channel_id, language, executed_at DESC);
CREATE INDEX ix_executions_code_hash ON old.executions USING btree (code_hash);
CREATE INDEX ix_executions_code_hash_success ON old.executions USING btree (code_hash, success);
CREATE INDEX ix_executions_executed_at ON old.executions USING btree (executed_at);
CREATE INDEX ix_executions_failures ON old.executions USING btree (success, executed_at DESC);
CREATE INDEX ix_executions_language_success ON old.executions USING btree (language, success);
CREATE INDEX ix_executions_lengths ON old.executions USING btree (code_length, success, execution_time, executed_at);
CREATE INDEX ix_executions_repeats ON old.executions USING btree (code_hash, executed_at DESC, success);
CREATE INDEX ix_executions_runs ON old.executions USING btree (executed_at, agent_id, language, success, timeout_occurred, error_type, execution_time, memory_usage);
CREATE INDEX ix_executions_success ON old.executions USING btree (success);
CREATE INDEX ix_executions_times ON old.executions USING btree (execution_time, executed_at);
CREATE INDEX ix_rollups_agent_id_day ON old.rollups USING btree (agent_id, day);
CREATE UNIQUE INDEX ux_events_event_id ON old.events USING btree (event_id);
CREATE UNIQUE INDEX ux_executions_request_id ON old.executions USING btree (request_id);
