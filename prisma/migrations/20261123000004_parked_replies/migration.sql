-- Platforms that allow only so many messages until the person writes again: what such an adapter
-- remembers, and answers whose rest waits for the person.
CREATE TABLE adapter_memory (
  platform text NOT NULL,
  bot text NOT NULL,
  key text NOT NULL,
  value text NOT NULL,
  updated_at timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (platform, bot, key)
);

ALTER TABLE reply ADD COLUMN parked_at timestamptz(3);
CREATE INDEX reply_parked ON reply (platform, bot, channel) WHERE parked_at IS NOT NULL;
CREATE INDEX notice_parked ON notice (platform, bot, channel) WHERE state = 'parked';
