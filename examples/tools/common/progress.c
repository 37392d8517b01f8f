/* SPDX-License-Identifier: MIT */
#include "common/progress.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/size.h"
#include "common/tool.h"

enum { WIDTH_MAX = 256, BAR_MIN = 8, BAR_MAX = 40 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Leaves the last column free, because some terminals start a new line once it is filled. */
static int line_width(void)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
        return 79;
    return window.ws_col > WIDTH_MAX ? WIDTH_MAX - 1 : window.ws_col - 1;
}

int progress_check_options(const struct progress_options *options)
{
    if (options->wanted && options->unwanted)
        return tool_usage("Options --progress and --quiet contradict each other");
    return 0;
}

bool progress_is_wanted(const struct progress_options *options)
{
    return options->wanted || (!options->unwanted && isatty(STDERR_FILENO));
}

void progress_start(struct progress *progress, uint64_t total)
{
    *progress = (struct progress){.shown = progress->shown, .is_share = progress->is_share, .total = total};
    progress->started_ms = now_ms();
    progress->drawn_ms = progress->started_ms;
}

static void measure_rate(struct progress *progress, int64_t now)
{
    double seconds = (double)(now - progress->drawn_ms) / 1000;
    if (seconds <= 0)
        return;
    double latest = (double)(progress->done - progress->drawn_done) / seconds;
    bool is_first = progress->drawn_ms == progress->started_ms;
    progress->rate = is_first ? latest : progress->rate * 0.8 + latest * 0.2;
    progress->drawn_ms = now;
    progress->drawn_done = progress->done;
}

/* Writes the time left, such as "1:02:03 left". */
static void format_time_left(char *text, size_t room, const struct progress *progress)
{
    uint64_t left = progress->total - progress->done;
    double seconds = left == 0 ? 0 : (double)left / progress->rate;
    if (!(seconds < 360000)) {
        snprintf(text, room, "--:-- left");
        return;
    }
    int whole = (int)(seconds + 0.5);
    if (whole >= 3600)
        snprintf(text, room, "%d:%02d:%02d left", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, room, "%d:%02d left", whole / 60, whole % 60);
}

/* Writes a bar such as "[####------] ", or nothing if there is too little room for it. */
static void format_bar(char bar[BAR_MAX + 4], const struct progress *progress, int room)
{
    bar[0] = '\0';
    int width = room - 3 > BAR_MAX ? BAR_MAX : room - 3;
    if (width < BAR_MIN)
        return;
    double part = progress->total == 0 ? 1 : (double)progress->done / (double)progress->total;
    int filled = (int)(part * width);
    bar[0] = '[';
    memset(bar + 1, '#', (size_t)filled);
    memset(bar + 1 + filled, '-', (size_t)(width - filled));
    memcpy(bar + 1 + width, "] ", 3);
}

/* Writes figures such as "1 MiB of 2 MiB  500 KiB/s  0:02 left". Returns their length. */
static int format_figures(char figures[WIDTH_MAX], const struct progress *progress)
{
    struct size_text done;
    struct size_text total;
    struct size_text rate;
    char left[32];
    format_time_left(left, sizeof left, progress);
    if (progress->is_share)
        return snprintf(figures, WIDTH_MAX, "%s", left);
    size_format(&done, (double)progress->done);
    size_format(&total, (double)progress->total);
    size_format(&rate, progress->rate);
    return snprintf(figures, WIDTH_MAX, "%s of %s  %s/s  %s", done.text, total.text, rate.text, left);
}

static void format_line(char line[WIDTH_MAX], const struct progress *progress, int width)
{
    char figures[WIDTH_MAX];
    char bar[BAR_MAX + 4];
    if (progress->total == PROGRESS_UNKNOWN) {
        struct size_text done;
        struct size_text rate;
        size_format(&done, (double)progress->done);
        size_format(&rate, progress->rate);
        snprintf(line, WIDTH_MAX, "%s  %s/s", done.text, rate.text);
        return;
    }
    int figures_width = format_figures(figures, progress);
    format_bar(bar, progress, width - figures_width - 5);
    double percent = progress->total == 0 ? 100 : (double)progress->done * 100 / (double)progress->total;
    snprintf(line, WIDTH_MAX, "%3d%% %s%.190s", (int)percent, bar, figures);
}

static void draw(struct progress *progress)
{
    char line[WIDTH_MAX];
    int width = line_width();
    format_line(line, progress, width);
    int length = (int)strlen(line) > width ? width : (int)strlen(line);
    /* Blanks erase the end of a longer line that was drawn before. */
    int blanks = progress->drawn_width > length && progress->drawn_width <= width ? progress->drawn_width - length : 0;
    fprintf(stderr, "\r%.*s%*s", length, line, blanks, "");
    fflush(stderr);
    progress->drawn_width = length;
}

void progress_update(struct progress *progress, uint64_t done)
{
    progress->done = done;
    /* A file can grow while it is copied. Its size then no longer tells the total. */
    if (done > progress->total)
        progress->total = PROGRESS_UNKNOWN;
    if (!progress->shown)
        return;
    int64_t now = now_ms();
    if (now - progress->drawn_ms < PROGRESS_INTERVAL_MS)
        return;
    measure_rate(progress, now);
    draw(progress);
}

void progress_finish(struct progress *progress)
{
    if (!progress->shown || progress->started_ms == 0)
        return;
    /* The last drawing shows the average rate of the whole operation. */
    double seconds = (double)(now_ms() - progress->started_ms) / 1000;
    progress->rate = seconds > 0 ? (double)progress->done / seconds : 0;
    draw(progress);
    fputc('\n', stderr);
    progress->started_ms = 0;
}
