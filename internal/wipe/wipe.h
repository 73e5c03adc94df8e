/* Registers the VFS under that name. Returns 0 where it could. Not safe for use
** by several threads at once. */
int wipe_register(const char *name);
