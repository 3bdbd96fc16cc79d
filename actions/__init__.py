"""What the assistant does: rasa-sdk actions. They decide which approved messages answer, never the words."""
