// What notify_darwin.m offers to notify_darwin.go. All strings are UTF-8 and
// stay the caller's.

// Asks for permission and listens for actions; 0 if there is no bundle.
int postern_notify_start(void);

void postern_notify_show(const char *key, const char *title, const char *body,
                         char **ids, char **labels, int actions, int urgent);

void postern_notify_withdraw(const char *key);
