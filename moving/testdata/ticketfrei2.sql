PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE user (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                passhash    TEXT,
                enabled     INTEGER DEFAULT 1
            );
INSERT INTO user VALUES(1,'$s1$0e0801$MDEyMzQ1Njc4OWFiY2RlZg==$ebnHHTApWa0oNoXTYCCHxLXDaejcvcTRQhZaD1OJNCFhanspBPf0GH3ufs0txnghgOn1Yo184wJPs2UOev784A==',1);
INSERT INTO user VALUES(2,'$7$C6..../...............................................$tIkPa7xRWTRp3zkENONRAO.ZuBTOnOrRpx40hWY2UA/',1);
INSERT INTO user VALUES(3,'$s1$0e0801$YWJjZGVmZ2hpamtsbW5vcA==$wV/eIt+LYSZoqXjjHkS/YIJtjFMpl72fHMglNvVhionGNkodjBLow1xAi2iWsl0RDqd9q20f5p5nI0hIVyFF0A==',0);
INSERT INTO user VALUES(4,NULL,1);
INSERT INTO user VALUES(5,'$s1$040801$QUJDREVGR0hJSktMTU5PUA==$cdr3Ph4fNB/KBpFvzwc/06rJIU6UydayzvHkFU+t4qsP5eDouLL/8lYrxHj7MnSp6NCg1AIUwMLDfTKTzt3I6g==',1);
CREATE TABLE email (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                email       TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO email VALUES(1,1,'Mod@Example.ORG');
INSERT INTO email VALUES(2,1,'second@example.org');
INSERT INTO email VALUES(3,2,'mod@example.org');
INSERT INTO email VALUES(4,2,'leipzig@example.org');
INSERT INTO email VALUES(5,3,'oder@example.org');
INSERT INTO email VALUES(6,3,NULL);
INSERT INTO email VALUES(7,5,' nuernberg2@example.org ');
INSERT INTO email VALUES(8,99,'orphan@example.org');
CREATE TABLE triggerpatterns (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                patterns    TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO triggerpatterns VALUES(1,1,replace(replace('kontroll?e\r\nkonti\r\ndb\r\nvgn\r\nvag\r\nzivil\r\nsicherheit\r\nuniform\r\nstation\r\nbus\r\nbahn\r\ntram\r\nlinie\r\nnuernberg\r\nnürnberg\r\ns\d\r\nu\d\d?\r\n#ticketfrei\r\n u1\r\nplärrer\r\n','\r',char(13)),'\n',char(10)));
INSERT INTO triggerpatterns VALUES(2,2,replace('kontrolle\n*\nlinie (11\n[bim\nc++\n?\ns-bahn.\n(?<!nicht )kontrolle\n(\w)\1\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n\nStraßenbahn\nSTRASSENBAHN','\n',char(10)));
INSERT INTO triggerpatterns VALUES(3,3,NULL);
INSERT INTO triggerpatterns VALUES(4,5,'');
CREATE TABLE badwords (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                words       TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO badwords VALUES(1,1,'bastard');
INSERT INTO badwords VALUES(2,2,replace(replace('Bastard\r\nzwei wörter\r\n\r\nscheiß\r\n!!!\r\n#hashtag\r\nwerbung.de','\r',char(13)),'\n',char(10)));
INSERT INTO badwords VALUES(3,3,NULL);
INSERT INTO badwords VALUES(4,5,'');
CREATE TABLE mastodon_instances (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                instance    TEXT,
                client_id   TEXT,
                client_secret   TEXT
            );
INSERT INTO mastodon_instances VALUES(1,'https://mastodon.example','cid1','csecret1');
INSERT INTO mastodon_instances VALUES(2,'mastodon.example','cid2','csecret2');
INSERT INTO mastodon_instances VALUES(3,'https://Chaos.Example/','cid3','csecret3');
INSERT INTO mastodon_instances VALUES(4,'http://old.example','cid4','csecret4');
CREATE TABLE mastodon_accounts (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                access_token    TEXT,
                instance_id INTEGER,
                active      INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id),
                FOREIGN KEY(instance_id) REFERENCES mastodon_instances(id)
            );
INSERT INTO mastodon_accounts VALUES(1,1,'masto-token-old-n',1,1);
INSERT INTO mastodon_accounts VALUES(2,1,'masto-token-new-n',2,1);
INSERT INTO mastodon_accounts VALUES(3,2,'masto-token-l',3,1);
INSERT INTO mastodon_accounts VALUES(4,3,'masto-token-f',4,0);
INSERT INTO mastodon_accounts VALUES(5,5,'masto-token-x',77,1);
INSERT INTO mastodon_accounts VALUES(6,2,NULL,1,1);
CREATE TABLE seen_toots (
                id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id            INTEGER,
                toot_uri           TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO seen_toots VALUES(1,1,'https://mastodon.example/users/rider/statuses/100000000000000001');
INSERT INTO seen_toots VALUES(2,1,'https://other.example/users/r/statuses/7');
INSERT INTO seen_toots VALUES(3,1,'https://other.example/users/r/statuses/7');
INSERT INTO seen_toots VALUES(4,2,'https://chaos.example/users/x/statuses/9');
INSERT INTO seen_toots VALUES(5,1,NULL);
CREATE TABLE seen_telegrams (
                id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id            INTEGER,
                tg_id              INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO seen_telegrams VALUES(1,1,845120347);
INSERT INTO seen_telegrams VALUES(2,2,0);
INSERT INTO seen_telegrams VALUES(3,3,0);
INSERT INTO seen_telegrams VALUES(4,5,NULL);
CREATE TABLE twitter_request_tokens (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                request_token   TEXT,
                request_token_secret TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO twitter_request_tokens VALUES(1,3,'rt','rts');
CREATE TABLE twitter_accounts (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                client_id   TEXT,
                client_secret   TEXT,
                active      INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO twitter_accounts VALUES(1,1,'tw-access-token','tw-access-secret',NULL);
INSERT INTO twitter_accounts VALUES(2,2,'tw2','tw2s',NULL);
CREATE TABLE telegram_accounts (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                apikey      TEXT,
                active      INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO telegram_accounts VALUES(1,1,'123456789:AAEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1);
INSERT INTO telegram_accounts VALUES(2,2,replace('  987654321:AAFbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n','\n',char(10)),1);
INSERT INTO telegram_accounts VALUES(3,3,'',1);
INSERT INTO telegram_accounts VALUES(4,5,'123456789:AAEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1);
CREATE TABLE seen_tweets (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                tweet_id    INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO seen_tweets VALUES(1,1,0);
INSERT INTO seen_tweets VALUES(2,1,1184000000000000000);
INSERT INTO seen_tweets VALUES(3,2,0);
INSERT INTO seen_tweets VALUES(4,3,0);
CREATE TABLE seen_dms (
                id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id            INTEGER,
                twitter_accounts_id INTEGER,
                message_id    TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
                FOREIGN KEY(twitter_accounts_id)
                    REFERENCES twitter_accounts(id)
            );
INSERT INTO seen_dms VALUES(1,1,1,'998');
CREATE TABLE telegram_subscribers (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                subscriber_id   INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id),
                UNIQUE(user_id, subscriber_id) ON CONFLICT IGNORE
            );
INSERT INTO telegram_subscribers VALUES(1,1,1001);
INSERT INTO telegram_subscribers VALUES(2,1,1002);
INSERT INTO telegram_subscribers VALUES(4,1,6000000001);
INSERT INTO telegram_subscribers VALUES(5,2,1001);
INSERT INTO telegram_subscribers VALUES(6,2,-1001234567890);
INSERT INTO telegram_subscribers VALUES(7,1,NULL);
CREATE TABLE mailinglist (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                email       TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO mailinglist VALUES(1,1,'Rider@Example.org');
INSERT INTO mailinglist VALUES(2,1,'rider@example.org');
INSERT INTO mailinglist VALUES(3,1,'rider@example.org');
INSERT INTO mailinglist VALUES(4,1,'zweite@example.org');
INSERT INTO mailinglist VALUES(5,1,'umlaut@müller.example');
INSERT INTO mailinglist VALUES(6,1,'kein-at-zeichen');
INSERT INTO mailinglist VALUES(7,1,'');
INSERT INTO mailinglist VALUES(8,1,NULL);
INSERT INTO mailinglist VALUES(9,1,'Name <drei@example.org>');
INSERT INTO mailinglist VALUES(10,1,' vier@example.org');
INSERT INTO mailinglist VALUES(11,2,'rider@example.org');
INSERT INTO mailinglist VALUES(12,3,'oder-abo@example.org');
INSERT INTO mailinglist VALUES(13,42,'orphan-sub@example.org');
INSERT INTO mailinglist VALUES(14,1,'Nürnberg@tf.example.org');
CREATE TABLE seen_mail (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                mail_date   REAL,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO seen_mail VALUES(1,1,1571234567.0);
INSERT INTO seen_mail VALUES(2,2,0.0);
INSERT INTO seen_mail VALUES(3,3,NULL);
INSERT INTO seen_mail VALUES(4,5,0.0);
CREATE TABLE twitter_last_request (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                date        INTEGER,
                FOREIGN KEY(user_id) REFERENCES user(id)
            );
INSERT INTO twitter_last_request VALUES(1,1,1571234600);
INSERT INTO twitter_last_request VALUES(2,2,0);
INSERT INTO twitter_last_request VALUES(3,3,0);
CREATE TABLE cities (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                user_id     INTEGER,
                city        TEXT,
                markdown    TEXT,
                mail_md     TEXT,
                masto_link  TEXT,
                twit_link   TEXT,
                FOREIGN KEY(user_id) REFERENCES user(id),
                UNIQUE(user_id, city) ON CONFLICT IGNORE
            );
INSERT INTO cities VALUES(1,1,'Nürnberg',replace('# So geht Ticketfrei in Nürnberg\n\nDu siehst eine Kontrolle?\nDann schreib es den anderen Fahrgästen,\ndamit alle Bescheid wissen.\n\nWenn du immer direkt gewarnt werden willst:\n* Trag hier [deine Mailadresse ein](/city/mail/Nürnberg)\n* Schreib dem Bot [@beispiel_Nürnberg_bot](https://t.me/beispiel_Nürnberg_bot)\n* Feed von [Nürnberg](https://mastodon.example/@Nürnberg.atom?replies=false&boosts=true)\n\nPer Mail an [Nürnberg@tf.example.org](mailto:Nürnberg@tf.example.org).\n\n![Bildschirmfoto](https://img.example.org/toot.png)\n\nFahrgäst\*innen, **seid lieb** zueinander. <b>Danke</b> &amp; bis bald!\n','\n',char(10)),replace('# Immer aktuell\n\nWir schicken dir eine Mail,\nwenn kontrolliert wird.\n','\n',char(10)),'https://example.mastodon.social/@Nürnberg','https://example.twitter.com/Nürnberg');
INSERT INTO cities VALUES(2,2,'Leipzig-Süd',replace('# So geht Ticketfrei in Leipzig-Süd\n\nDu siehst eine Kontrolle?\nDann schreib es den anderen Fahrgästen,\ndamit alle Bescheid wissen.\n\nWenn du immer direkt gewarnt werden willst:\n* Trag hier [deine Mailadresse ein](/city/mail/Leipzig-Süd)\n* Schreib dem Bot [@beispiel_Leipzig-Süd_bot](https://t.me/beispiel_Leipzig-Süd_bot)\n* Feed von [Leipzig-Süd](https://mastodon.example/@Leipzig-Süd.atom?replies=false&boosts=true)\n\nPer Mail an [Leipzig-Süd@tf.example.org](mailto:Leipzig-Süd@tf.example.org).\n\n![Bildschirmfoto](https://img.example.org/toot.png)\n\nFahrgäst\*innen, **seid lieb** zueinander. <b>Danke</b> &amp; bis bald!\n','\n',char(10)),NULL,'https://mastodon.example/@leipzig',NULL);
INSERT INTO cities VALUES(3,3,'Frankfurt (Oder)',NULL,'','','');
INSERT INTO cities VALUES(4,5,'nuernberg',replace('# So geht Ticketfrei in nuernberg\n\nDu siehst eine Kontrolle?\nDann schreib es den anderen Fahrgästen,\ndamit alle Bescheid wissen.\n\nWenn du immer direkt gewarnt werden willst:\n* Trag hier [deine Mailadresse ein](/city/mail/nuernberg)\n* Schreib dem Bot [@beispiel_nuernberg_bot](https://t.me/beispiel_nuernberg_bot)\n* Feed von [nuernberg](https://mastodon.example/@nuernberg.atom?replies=false&boosts=true)\n\nPer Mail an [nuernberg@tf.example.org](mailto:nuernberg@tf.example.org).\n\n![Bildschirmfoto](https://img.example.org/toot.png)\n\nFahrgäst\*innen, **seid lieb** zueinander. <b>Danke</b> &amp; bis bald!\n','\n',char(10)),'Mail','','');
CREATE TABLE secret (
                id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT UNIQUE,
                secret      BLOB
            );
INSERT INTO secret VALUES(1,X'9999999999999999999999999999999999999999999999999999999999999999');
INSERT INTO secret VALUES(2,X'0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20');
COMMIT;
