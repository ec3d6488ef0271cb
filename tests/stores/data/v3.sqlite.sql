BEGIN TRANSACTION;
CREATE TABLE agents (
	agent_id TEXT NOT NULL, 
	role TEXT NOT NULL, 
	key_id TEXT NOT NULL, 
	key_hash VARCHAR(64) NOT NULL, 
	max_runs BIGINT, 
	max_rate BIGINT, 
	max_body BIGINT, 
	created_at BIGINT NOT NULL, 
	rotated_at BIGINT, 
	revoked_at BIGINT, 
	PRIMARY KEY (agent_id), 
	UNIQUE (key_id)
);
INSERT INTO "agents" VALUES('ada','agent','0000000000000000','hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh',NULL,NULL,NULL,1790000000000,NULL,NULL);
CREATE TABLE chain_anchors (
	sequence INTEGER NOT NULL, 
	hash TEXT NOT NULL, 
	executed_at BIGINT NOT NULL, 
	PRIMARY KEY (sequence)
);
CREATE TABLE chain_head (
	id INTEGER NOT NULL, 
	sequence BIGINT NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "chain_head" VALUES(1,3,'fd6bae56c4228a7e25bb84528d46875bd1152056c794aa327d899f366a89af64');
CREATE TABLE events (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	event_id TEXT NOT NULL, 
	event_type TEXT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	agent_id TEXT NOT NULL, 
	channel_id TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	code_hash TEXT NOT NULL, 
	pattern TEXT, 
	severity TEXT, 
	data TEXT NOT NULL
);
INSERT INTO "events" VALUES(1,'be483f69064da29f248b6e8ef78e8d7b','code:execution:started',1790000000001,'ada','channel','old-1','a3b5c7d9e1f20344',NULL,NULL,'{"eventType":"code:execution:started","requestId":"old-1","codeHash":"a3b5c7d9e1f20344","language":"javascript","codeLength":12,"timeout":5000.0}');
INSERT INTO "events" VALUES(2,'bd59e9d1d2bce4259efe17cc3808f22b','code:execution:completed',1790000000001,'ada','channel','old-1','a3b5c7d9e1f20344',NULL,NULL,'{"eventType":"code:execution:completed","requestId":"old-1","codeHash":"a3b5c7d9e1f20344","language":"javascript","executionTime":12.5,"outputSize":1,"logCount":1,"resourceUsage":{"memory":1.0,"timeout":false}}');
INSERT INTO "events" VALUES(3,'5c31e7c31c04ae66e2ac270ae2aa3b27','code:execution:started',1790000000002,'bob','channel','old-2','a3b5c7d9e1f20344',NULL,NULL,'{"eventType":"code:execution:started","requestId":"old-2","codeHash":"a3b5c7d9e1f20344","language":"javascript","codeLength":12,"timeout":5000.0}');
INSERT INTO "events" VALUES(4,'9d60d7979e1b801abd9539a6c2080442','code:execution:completed',1790000000002,'bob','channel','old-2','a3b5c7d9e1f20344',NULL,NULL,'{"eventType":"code:execution:completed","requestId":"old-2","codeHash":"a3b5c7d9e1f20344","language":"javascript","executionTime":12.5,"outputSize":1,"logCount":1,"resourceUsage":{"memory":1.0,"timeout":false}}');
INSERT INTO "events" VALUES(5,'2d2ffd4e1fd2593977830ce1bde95e10','code:execution:started',1790000000003,'ada','channel','old-3','a3b5c7d9e1f20344',NULL,NULL,'{"eventType":"code:execution:started","requestId":"old-3","codeHash":"a3b5c7d9e1f20344","language":"javascript","codeLength":12,"timeout":5000.0}');
INSERT INTO "events" VALUES(6,'688430901d45e8881f0293838eb83b5c','code:execution:completed',1790000000003,'ada','channel','old-3','a3b5c7d9e1f20344',NULL,NULL,'{"eventType":"code:execution:completed","requestId":"old-3","codeHash":"a3b5c7d9e1f20344","language":"javascript","executionTime":12.5,"outputSize":1,"logCount":1,"resourceUsage":{"memory":1.0,"timeout":false}}');
CREATE TABLE executions (
	sequence INTEGER NOT NULL, 
	request_id TEXT NOT NULL, 
	agent_id TEXT NOT NULL, 
	channel_id TEXT NOT NULL, 
	language TEXT NOT NULL, 
	code_hash TEXT NOT NULL, 
	code_length BIGINT NOT NULL, 
	code_snippet TEXT NOT NULL, 
	success BOOLEAN NOT NULL, 
	output TEXT NOT NULL, 
	logs TEXT NOT NULL, 
	error TEXT, 
	error_type TEXT, 
	execution_time DOUBLE NOT NULL, 
	timeout DOUBLE NOT NULL, 
	memory_usage DOUBLE NOT NULL, 
	timeout_occurred BOOLEAN NOT NULL, 
	context_data TEXT NOT NULL, 
	description TEXT, 
	executed_at BIGINT NOT NULL, 
	created_at BIGINT NOT NULL, 
	details TEXT NOT NULL, 
	previous_hash TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	PRIMARY KEY (sequence)
);
INSERT INTO "executions" VALUES(1,'old-1','ada','channel','javascript','a3b5c7d9e1f20344',12,'return 1 + 1',1,'{"\u03c0":[1,"\u0000"]}','["[WARN] careful"]',NULL,NULL,12.5,5000.0,3.25,0,'{"key":"value"}',NULL,1790000000001,1790000000002,'{"cpuTime":1.5}','0000000000000000000000000000000000000000000000000000000000000000','deca8fa96878a7ec277d438d6a7bda53ea46a7fde45e70a2dd71693aaaaef667');
INSERT INTO "executions" VALUES(2,'old-2','bob','channel','javascript','a3b5c7d9e1f20344',12,'return 1 + 1',0,'2','["[WARN] careful"]','Error: no','runtime',12.5,5000.0,3.25,0,'{"key":"value"}',NULL,1790000000002,1790000000003,'{"errorInfo":{"type":"runtime","name":"Error","message":"no"}}','deca8fa96878a7ec277d438d6a7bda53ea46a7fde45e70a2dd71693aaaaef667','7b9086e4769d9bd8a01c15a54847c0d894eb11fb2d321438e76c865a3f1caba6');
INSERT INTO "executions" VALUES(3,'old-3','ada','channel','javascript','a3b5c7d9e1f20344',12,'return 1 + 1',1,'2','["[WARN] careful"]',NULL,NULL,12.5,5000.0,3.25,0,'{"key":"value"}',NULL,1790000000003,1790000000004,'{"cpuTime":1.5}','7b9086e4769d9bd8a01c15a54847c0d894eb11fb2d321438e76c865a3f1caba6','fd6bae56c4228a7e25bb84528d46875bd1152056c794aa327d899f366a89af64');
CREATE TABLE rollup_state (
	id INTEGER NOT NULL, 
	watermark BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "rollup_state" VALUES(1,3);
CREATE TABLE rollups (
	day TEXT NOT NULL, 
	agent_id TEXT NOT NULL, 
	language TEXT NOT NULL, 
	total BIGINT NOT NULL, 
	successful BIGINT NOT NULL, 
	failed BIGINT NOT NULL, 
	timeouts BIGINT NOT NULL, 
	sum_execution_time DOUBLE NOT NULL, 
	sum_memory DOUBLE NOT NULL, 
	max_memory DOUBLE NOT NULL, 
	PRIMARY KEY (day, agent_id, language)
);
INSERT INTO "rollups" VALUES('2026-09-21','ada','javascript',2,2,0,0,25.0,6.5,3.25);
INSERT INTO "rollups" VALUES('2026-09-21','bob','javascript',1,0,1,0,12.5,3.25,3.25);
CREATE TABLE schema_migrations (
	number INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	applied_at BIGINT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "schema_migrations" VALUES(1,'create the tables',1795905069398);
INSERT INTO "schema_migrations" VALUES(2,'index what is asked for',1795905069444);
INSERT INTO "schema_migrations" VALUES(3,'know agents by their keys',1795905069455);
CREATE UNIQUE INDEX ux_executions_request_id ON executions (request_id);
CREATE INDEX ix_executions_agent_id ON executions (agent_id);
CREATE INDEX ix_executions_channel_id ON executions (channel_id);
CREATE INDEX ix_executions_code_hash ON executions (code_hash);
CREATE INDEX ix_executions_success ON executions (success);
CREATE INDEX ix_executions_agent_id_executed_at ON executions (agent_id, executed_at DESC);
CREATE INDEX ix_executions_channel_id_executed_at ON executions (channel_id, executed_at DESC);
CREATE INDEX ix_executions_code_hash_success ON executions (code_hash, success);
CREATE INDEX ix_executions_language_success ON executions (language, success);
CREATE INDEX ix_executions_agent_id_success_executed_at ON executions (agent_id, success, executed_at DESC);
CREATE INDEX ix_executions_channel_id_language_executed_at ON executions (channel_id, language, executed_at DESC);
CREATE INDEX ix_executions_executed_at ON executions (executed_at);
CREATE UNIQUE INDEX ux_events_event_id ON events (event_id);
CREATE INDEX ix_events_timestamp ON events (timestamp);
CREATE INDEX ix_events_request_id ON events (request_id);
CREATE INDEX ix_events_agent_id ON events (agent_id);
CREATE INDEX ix_events_channel_id ON events (channel_id);
CREATE INDEX ix_executions_agent_runs ON executions (agent_id, executed_at DESC, language, success, timeout_occurred, error_type, execution_time, memory_usage);
CREATE INDEX ix_executions_runs ON executions (executed_at, agent_id, language, success, timeout_occurred, error_type, execution_time, memory_usage);
CREATE INDEX ix_executions_agent_times ON executions (agent_id, execution_time, executed_at);
CREATE INDEX ix_executions_times ON executions (execution_time, executed_at);
CREATE INDEX ix_executions_failures ON executions (success, executed_at DESC);
CREATE INDEX ix_executions_agent_lengths ON executions (agent_id, code_length, success, execution_time, executed_at);
CREATE INDEX ix_executions_lengths ON executions (code_length, success, execution_time, executed_at);
CREATE INDEX ix_executions_agent_repeats ON executions (agent_id, code_hash, executed_at DESC, success);
CREATE INDEX ix_executions_repeats ON executions (code_hash, executed_at DESC, success);
CREATE INDEX ix_events_agent_issues ON events (agent_id, pattern, severity, timestamp) WHERE pattern IS NOT NULL;
CREATE INDEX ix_events_issues ON events (pattern, severity, timestamp) WHERE pattern IS NOT NULL;
CREATE INDEX ix_rollups_agent_id_day ON rollups (agent_id, day);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',6);
COMMIT;
