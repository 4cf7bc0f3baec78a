"""The face of channelwatch: the JSON API, sign-in and the server-rendered board."""
