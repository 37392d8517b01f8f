/* SPDX-License-Identifier: MIT */
#include "img/parse.h"

#include <stdio.h>

#include "common/text.h"
#include "img/json.h"

static int print_json(FILE *out, const struct vdisk_uri *uri, struct vdisk_error *err)
{
    struct json_builder builder = {.err = err};
    json_t *root = json_object();
    json_add_text(&builder, root, "pool", vdisk_uri_pool(uri));
    json_add_text(&builder, root, "namespace", vdisk_uri_namespace(uri));
    json_add_text(&builder, root, "image", vdisk_uri_image(uri));
    json_add_text(&builder, root, "snapshot", vdisk_uri_snapshot(uri));
    json_t *options = json_add_array(&builder, root, "options");
    const char *key;
    const char *value;
    for (size_t i = 0; vdisk_uri_option(&key, &value, uri, i) == 0; i++) {
        json_t *option = json_append_object(&builder, options);
        json_add_text(&builder, option, "key", key);
        json_add_text(&builder, option, "value", value);
    }
    return json_print(out, &builder, root);
}

static void print_option(FILE *out, const char *key, const char *value)
{
    text_print_label(out, "option:");
    text_print(out, key);
    fputc('=', out);
    text_print(out, value);
    fputc('\n', out);
}

static void print_plain(FILE *out, const struct vdisk_uri *uri)
{
    const char *snapshot = vdisk_uri_snapshot(uri);
    text_print_line(out, "pool:", vdisk_uri_pool(uri));
    text_print_line(out, "namespace:", vdisk_uri_namespace(uri));
    text_print_line(out, "image:", vdisk_uri_image(uri));
    text_print_line(out, "snapshot:", snapshot ? snapshot : "");
    const char *key;
    const char *value;
    for (size_t i = 0; vdisk_uri_option(&key, &value, uri, i) == 0; i++)
        print_option(out, key, value);
}

int img_parse(const struct img_args *args, struct vdisk_error *err)
{
    if (args->wants_json)
        return print_json(args->out, args->uri, err);
    print_plain(args->out, args->uri);
    return 0;
}
