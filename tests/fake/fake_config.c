/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps the configuration of each cluster handle, and the configuration files that tests script. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define VALUE_SIZE 65536

/* The file of the search path has a key, because a careful caller does not connect without one. */
#define DEFAULT_FILE "key = AQBmYWtlZmFrZWZha2VmYWtlZmFrZWZha2VmYWtlPT0="

struct file {
    SLIST_ENTRY(file) next;
    /* This is "" for the search path. */
    char *path;
    int result;
    char *text;
};

static SLIST_HEAD(, file) files = SLIST_HEAD_INITIALIZER(files);
/* The test has added these options. Their values are the defaults. */
static struct fake_settings added = SLIST_HEAD_INITIALIZER(added);
/* This belongs to the newest handle, which can be closed already. */
static const struct fake_config *newest;
static struct fake_text config_log;

/* Names and values. */

static bool is_space(char c)
{
    return c && strchr(" \t\r\n\f\v", c);
}

/*
 * Removes outer white space and makes inner white space a `_`. Hyphens stay, because only command lines take them for
 * `_`.
 */
static char *normalize(const char *name)
{
    char *normal = fake_alloc(strlen(name) + 1);
    char *to = normal;

    while (is_space(*name))
        name++;
    while (*name) {
        if (!is_space(*name)) {
            *to++ = *name++;
            continue;
        }
        while (is_space(*name))
            name++;
        if (*name)
            *to++ = '_';
    }
    return normal;
}

static const struct fake_option *find_option(const char *name)
{
    static struct fake_option option;
    const struct fake_setting *setting;

    SLIST_FOREACH(setting, &added, next)
    {
        if (strcmp(setting->name, name) != 0)
            continue;
        option = (struct fake_option){setting->name, TEXT, setting->value};
        return &option;
    }
    return fake_option_find(name);
}

static struct fake_setting *find_setting(const struct fake_settings *settings, const char *name)
{
    struct fake_setting *setting;

    SLIST_FOREACH(setting, settings, next)
    {
        if (strcmp(setting->name, name) == 0)
            return setting;
    }
    return NULL;
}

static void store(struct fake_settings *settings, const char *name, const char *value)
{
    struct fake_setting *setting = find_setting(settings, name);

    if (!setting) {
        setting = fake_alloc(sizeof *setting);
        setting->name = fake_strdup(name);
        SLIST_INSERT_HEAD(settings, setting, next);
    }
    free(setting->value);
    setting->value = fake_strdup(value);
}

static int set_normal(struct fake_settings *settings, const char *name, const char *text)
{
    const struct fake_option *option = find_option(name);
    char *value;
    int r;

    if (!name[0])
        return -EINVAL;
    if (!option)
        return -ENOENT;
    value = fake_alloc(VALUE_SIZE);
    r = fake_option_parse(option, text, value, VALUE_SIZE);
    if (r == 0)
        store(settings, name, value);
    free(value);
    return r;
}

int fake_config_set(struct fake_config *config, const char *name, const char *value)
{
    char *normal = normalize(name);
    int r = set_normal(&config->settings, normal, value);

    free(normal);
    return r;
}

int fake_config_set_default(struct fake_config *config, const char *name, const char *value)
{
    int r = set_normal(&config->defaults, name, value);

    return r == -ENOENT ? 0 : r;
}

/*
 * Returns the value of the metavariable at the start of `text`, or NULL if there is none. *length is the length of its
 * name with the `$`.
 */
static const char *metavariable(const struct fake_config *config, const char *text, char *buffer, size_t size,
                                size_t *length)
{
    static const char *const names[] = {"$cluster", "$type", "$name", "$id"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        *length = strlen(names[i]);
        if (strncmp(text, names[i], *length) != 0)
            continue;
        snprintf(buffer, size, "client.%s", config->id);
        return (const char *const[]){config->cluster, "client", buffer, config->id}[i];
    }
    return NULL;
}

static void expand(const struct fake_config *config, struct fake_text *to, const char *text)
{
    char buffer[256];

    while (*text) {
        size_t length;
        const char *value = metavariable(config, text, buffer, sizeof buffer, &length);

        if (value)
            fake_text_add(to, "%s", value);
        else
            fake_text_add(to, "%c", *text);
        text += value ? length : 1;
    }
}

static const char *raw_value(const struct fake_config *config, const char *name)
{
    const struct fake_option *option = find_option(name);
    const struct fake_setting *setting = find_setting(&config->settings, name);

    if (!option)
        return NULL;
    if (!setting)
        setting = find_setting(&config->defaults, name);
    return setting ? setting->value : option->value;
}

/* The caller frees the result. */
static char *expanded_value(const struct fake_config *config, const char *raw)
{
    struct fake_text text = {fake_alloc(VALUE_SIZE), VALUE_SIZE, 0};

    expand(config, &text, raw);
    return text.text;
}

int fake_config_get(const struct fake_config *config, const char *name, char *value, size_t size)
{
    char *normal = normalize(name);
    const char *raw = raw_value(config, normal);
    int r = normal[0] ? -ENOENT : -EINVAL;

    if (raw) {
        char *full = expanded_value(config, raw);

        r = (size_t)snprintf(value, size, "%s", full) < size ? 0 : -ENAMETOOLONG;
        free(full);
    }
    free(normal);
    return r;
}

uint64_t fake_config_number(const struct fake_config *config, const char *name)
{
    const char *value = raw_value(config, name);

    if (!value)
        fake_abort("the fake itself needs the option %s", name);
    return strcmp(value, "true") == 0 ? 1 : strtoull(value, NULL, 10);
}

/* Files. */

static struct file *find_file(const char *path)
{
    struct file *file;

    SLIST_FOREACH(file, &files, next)
    {
        if (strcmp(file->path, path) == 0)
            return file;
    }
    return NULL;
}

static void script_file(const char *path, int result, const char *text)
{
    struct file *file = find_file(path ? path : "");

    if (!file) {
        file = fake_alloc(sizeof *file);
        file->path = fake_strdup(path ? path : "");
        SLIST_INSERT_HEAD(&files, file, next);
    }
    free(file->text);
    file->text = fake_strdup(text);
    file->result = result;
}

/* Unknown options and bad values are skipped, as Ceph does. */
static void apply_line(struct fake_config *config, char *line)
{
    char *equals = strchr(line, '=');

    line += strspn(line, " \t");
    if (!equals || strchr("[#;", *line))
        return;
    *equals++ = '\0';
    fake_config_set(config, line, equals + strspn(equals, " \t"));
}

/* A file named NAME.conf belongs to the cluster NAME. */
static void name_cluster(struct fake_config *config, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *name = fake_strdup(slash ? slash + 1 : path);
    char *dot = strrchr(name, '.');

    if (dot && strcmp(dot, ".conf") == 0)
        *dot = '\0';
    free(config->cluster);
    config->cluster = name;
}

int fake_config_read_file(struct fake_config *config, const char *path)
{
    const struct file *file = find_file(path ? path : "");
    char *text, *rest = NULL;

    if (!file && path)
        return -ENOENT;
    if (file && file->result < 0)
        return file->result;
    name_cluster(config, path ? path : "ceph.conf");
    text = fake_strdup(file ? file->text : DEFAULT_FILE);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        apply_line(config, line);
    free(text);
    return 0;
}

/* A handle's whole configuration. */

void fake_config_init(struct fake_config *config, const char *id)
{
    SLIST_INIT(&config->settings);
    SLIST_INIT(&config->defaults);
    config->id = fake_strdup(id);
    config->cluster = fake_strdup("");
    newest = config;
}

static void free_setting(struct fake_setting *setting)
{
    free(setting->name);
    free(setting->value);
    free(setting);
}

static void free_settings(struct fake_settings *settings)
{
    while (!SLIST_EMPTY(settings)) {
        struct fake_setting *setting = SLIST_FIRST(settings);

        SLIST_REMOVE_HEAD(settings, next);
        free_setting(setting);
    }
}

void fake_config_free(struct fake_config *config)
{
    free_settings(&config->settings);
    free_settings(&config->defaults);
    free(config->id);
    free(config->cluster);
}

static void make_room(struct fake_text *text, size_t length)
{
    if (text->length + length < text->size)
        return;
    text->size = 2 * (text->length + length + 1);
    text->text = fake_resize_array(text->text, text->size, 1);
}

void fake_config_log(const char *format, ...)
{
    va_list arguments, again;
    int length;

    va_start(arguments, format);
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    make_room(&config_log, (size_t)length + 1);
    vsnprintf(config_log.text + config_log.length, (size_t)length + 1, format, arguments);
    va_end(arguments);
    config_log.length += (size_t)length;
    fake_text_add(&config_log, "\n");
}

void fake_config_reset(void)
{
    while (!SLIST_EMPTY(&files)) {
        struct file *file = SLIST_FIRST(&files);

        SLIST_REMOVE_HEAD(&files, next);
        free(file->path);
        free(file->text);
        free(file);
    }
    free_settings(&added);
    free(config_log.text);
    config_log = (struct fake_text){NULL, 0, 0};
    newest = NULL;
}

/* Tests call these functions. */

void fake_conf_file(const char *path, int result)
{
    fake_lock();
    script_file(path, result, "");
    fake_unlock();
}

void fake_conf_file_text(const char *path, const char *text)
{
    fake_lock();
    script_file(path, 0, text);
    fake_unlock();
}

void fake_conf_add_option(const char *name, const char *value)
{
    struct fake_setting *setting = fake_alloc(sizeof *setting);

    setting->name = fake_strdup(name);
    setting->value = fake_strdup(value);
    fake_lock();
    SLIST_INSERT_HEAD(&added, setting, next);
    fake_unlock();
}

const char *fake_conf_get(const char *option)
{
    static char value[VALUE_SIZE];

    fake_lock();
    if (!newest)
        fake_abort("fake_conf_get: no cluster handle was created");
    if (fake_config_get(newest, option, value, sizeof value) < 0)
        fake_abort("fake_conf_get: Ceph has no option %s", option);
    fake_unlock();
    return value;
}

const char *fake_conf_log(void)
{
    const char *text;

    fake_lock();
    text = config_log.text ? config_log.text : "";
    fake_unlock();
    return text;
}
