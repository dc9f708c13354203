"""Dates and clocks: the simulator's time, the service's time stamps, months, fiscal years."""
import calendar
import datetime
import time

DAY = 86400


class Clock:
    """The simulator's time: real time plus an offset, so that a test can wait an hour at once.

    It starts on the given day at the real time of day (or now when no day was given). A stopped one starts at
    noon of that day, and moves only when it is told to.
    """

    def __init__(self, today=None, stopped=False):
        self.first_day = today or datetime.date.today()
        noon = datetime.datetime.combine(datetime.date.today(), datetime.time(12), datetime.timezone.utc).timestamp()
        self._real = (lambda: noon) if stopped else time.time
        self._first_offset = (self.first_day - datetime.date.today()).days * DAY
        self.reset()

    def reset(self):
        self.offset = self._first_offset

    def now(self):
        return self._real() + self.offset

    def today(self):
        return datetime.date.fromtimestamp(self.now())

    def advance(self, seconds):
        self.offset += seconds

    def set(self, when):
        """`when` is seconds since 1970 or an ISO 8601 text (UTC when it names no zone)."""
        self.offset = parse_moment(when) - self._real()


def parse_moment(text):
    """Seconds since 1970 from a number or from ISO 8601 text; ValueError when it is neither."""
    if isinstance(text, (int, float)):
        return float(text)
    moment = datetime.datetime.fromisoformat(str(text).strip().replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return moment.timestamp()


def _nth_sunday(year, month, nth):
    first = datetime.date(year, month, 1)
    return 1 + (6 - first.weekday()) % 7 + 7 * (nth - 1)


def pacific_offset(moment):
    """Hours from UTC in California at `moment`: the zone the service stamps its answers with."""
    utc = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    zone = datetime.timezone.utc
    begins = datetime.datetime(utc.year, 3, _nth_sunday(utc.year, 3, 2), 10, tzinfo=zone)
    ends = datetime.datetime(utc.year, 11, _nth_sunday(utc.year, 11, 1), 9, tzinfo=zone)
    return -7 if begins <= utc < ends else -8


def stamp(moment, milliseconds=False):
    """The service's form of a time, such as 2026-08-16T10:34:44-07:00."""
    zone = datetime.timezone(datetime.timedelta(hours=pacific_offset(moment)))
    local = datetime.datetime.fromtimestamp(moment, zone)
    return local.isoformat(timespec="milliseconds" if milliseconds else "seconds")


def month_end(day):
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def add_months(day, months):
    """The first day of the month that lies `months` after the month of `day`."""
    count = day.year * 12 + day.month - 1 + months
    return datetime.date(count // 12, count % 12 + 1, 1)


def fiscal_start(day, fiscal_month):
    """The first day of the fiscal year that holds `day`."""
    year = day.year if day.month >= fiscal_month else day.year - 1
    return datetime.date(year, fiscal_month, 1)


def split(start, end, months):
    """Cut start..end at the calendar's own edges of periods `months` long (1, 3 or 12)."""
    periods = []
    while start <= end:
        edge = (start.month - 1) // months * months + months
        last = month_end(datetime.date(start.year, edge, 1))
        periods.append((start, min(last, end)))
        start = last + datetime.timedelta(days=1)
    return periods
