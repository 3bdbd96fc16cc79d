"""What residents ask about: adding a topic in a disaster, trying it, and teaching it to the assistant."""
