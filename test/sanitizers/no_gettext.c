/*
 * no_gettext.c
 *	  Messages are not translated: loaded after a preloaded AddressSanitizer.
 *
 * The sanitizer meets PostgreSQL's programs before libc is ready, and the first
 * call of bindtextdomain then waits for itself for ever.
 */
#include <stddef.h>

char *bindtextdomain(const char *domain, const char *directory);
char *bind_textdomain_codeset(const char *domain, const char *codeset);
char *textdomain(const char *domain);
char *gettext(const char *text);
char *dgettext(const char *domain, const char *text);
char *dcgettext(const char *domain, const char *text, int category);
char *ngettext(const char *one, const char *many, unsigned long n);
char *dngettext(const char *domain, const char *one, const char *many, unsigned long n);
char *dcngettext(const char *domain, const char *one, const char *many, unsigned long n, int category);

char *
bindtextdomain(const char *domain, const char *directory)
{
	(void) domain;
	return (char *) directory;
}

char *
bind_textdomain_codeset(const char *domain, const char *codeset)
{
	(void) domain;
	return (char *) codeset;
}

char *
textdomain(const char *domain)
{
	return (char *) domain;
}

char *
gettext(const char *text)
{
	return (char *) text;
}

char *
dgettext(const char *domain, const char *text)
{
	(void) domain;
	return (char *) text;
}

char *
dcgettext(const char *domain, const char *text, int category)
{
	(void) category;
	return dgettext(domain, text);
}

char *
ngettext(const char *one, const char *many, unsigned long n)
{
	return (char *) (n == 1 ? one : many);
}

char *
dngettext(const char *domain, const char *one, const char *many, unsigned long n)
{
	(void) domain;
	return ngettext(one, many, n);
}

char *
dcngettext(const char *domain, const char *one, const char *many, unsigned long n, int category)
{
	(void) category;
	return dngettext(domain, one, many, n);
}
