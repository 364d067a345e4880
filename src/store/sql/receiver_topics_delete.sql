-- revoked/receiver_topics_delete
DELETE FROM receiver_topic
