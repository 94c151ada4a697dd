#include "tui/list.h"

void list_settle(struct list *list, const uint64_t *ids, size_t count, size_t page)
{
	if (!list->chosen)
		list->cursor = 0;
	else
		for (size_t i = 0; i < count; i++) {
			if (ids[i] == list->id)
				list->cursor = i;
		}
	if (list->cursor >= count)
		list->cursor = count ? count - 1 : 0;
	if (page == 0)
		page = 1;
	if (list->cursor < list->top)
		list->top = list->cursor;
	if (list->cursor >= list->top + page)
		list->top = list->cursor - page + 1;
	if (list->top + page > count)
		list->top = count > page ? count - page : 0;
}

void list_move(struct list *list, long rows, const uint64_t *ids, size_t count)
{
	size_t by = rows < 0 ? (size_t)-rows : (size_t)rows;

	if (count == 0)
		return;
	if (rows < 0)
		list->cursor = list->cursor > by ? list->cursor - by : 0;
	else
		list->cursor = count - 1 - list->cursor > by ? list->cursor + by : count - 1;
	list->chosen = true;
	list->id = ids[list->cursor];
}

void list_home(struct list *list)
{
	list->chosen = false;
	list->cursor = list->top = 0;
}
