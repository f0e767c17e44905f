-- What scripts of workers begin with, so that they can do their work, and so empty the server, when its memory is full: Redis
-- refuses them the commands that may take memory, unless one that may free some has come first.
call('DEL', base .. ':nothing')
