/* SPDX-License-Identifier: MIT */
#include "img/command.h"

#include <string.h>

#include "common/text.h"
#include "common/tool.h"
#include "img/clone.h"
#include "img/create.h"
#include "img/diff.h"
#include "img/flatten.h"
#include "img/info.h"
#include "img/list.h"
#include "img/map.h"
#include "img/parse.h"
#include "img/remove.h"
#include "img/rename.h"
#include "img/resize.h"
#include "img/snapshot.h"

static const struct img_command commands[] = {
    {"parse", TAKES_JSON, img_parse},
    {"info", TAKES_JSON | TAKES_DISK, img_info},
    {"list", TAKES_POOL | TAKES_JSON, img_list},
    {"create", TAKES_SIZE | TAKES_LAYOUT | TAKES_ENCRYPTION, img_create},
    {"clone", TAKES_CLONE | TAKES_LAYOUT, img_clone},
    {"flatten", TAKES_PROGRESS | TAKES_DISK | TAKES_LOCK, img_flatten},
    {"resize", TAKES_SIZE | TAKES_SHRINK | TAKES_PROGRESS | TAKES_DISK | TAKES_LOCK, img_resize},
    {"rename", TAKES_NAME, img_rename},
    {"remove", TAKES_PROGRESS, img_remove},
    {"map", TAKES_DISK | TAKES_JSON | TAKES_OWN, img_map},
    {"diff", TAKES_DISK | TAKES_JSON | TAKES_FROM | TAKES_OWN, img_diff},
    {"snapshot list", TAKES_JSON | TAKES_DISK, img_snapshot_list},
    {"snapshot create", TAKES_DISK | TAKES_LOCK, img_snapshot_create},
    {"snapshot remove", TAKES_DISK | TAKES_LOCK, img_snapshot_remove},
    {"snapshot rollback", TAKES_PROGRESS | TAKES_DISK | TAKES_LOCK, img_snapshot_rollback},
    {"snapshot protect", TAKES_DISK | TAKES_LOCK, img_snapshot_protect},
    {"snapshot unprotect", TAKES_DISK | TAKES_LOCK, img_snapshot_unprotect},
};

/* Returns how many of the words make up the command's name, or 0 if they start otherwise. */
static int count_name_words(const char *name, char **words, int count)
{
    for (int i = 0; i < count; i++) {
        size_t length = strcspn(name, " ");
        if (strlen(words[i]) != length || memcmp(words[i], name, length) != 0)
            return 0;
        if (name[length] == '\0')
            return i + 1;
        name += length + 1;
    }
    return 0;
}

int command_find(const struct img_command **command, int *count, char ***arguments)
{
    struct text_quoted quoted;
    if (*count == 0)
        return tool_usage("A command is missing");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        int words = count_name_words(commands[i].name, *arguments, *count);
        if (words == 0)
            continue;
        *command = &commands[i];
        *count -= words;
        *arguments += words;
        return 0;
    }
    if (strcmp(**arguments, "snapshot") == 0)
        return tool_usage("The command snapshot needs list, create, remove, rollback, protect or unprotect after it");
    return tool_usage("There is no command %s", text_quote(&quoted, **arguments));
}
