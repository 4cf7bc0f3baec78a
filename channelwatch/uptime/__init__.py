"""Floor 1: availability, its bounds and its outages, computed from what is known and nothing more.

`samples` turns poll results into a `timeline`, `combine` joins the timelines of a pair or of a channel's
parts, `measure` sums one over a period, `figures` holds the sums and every ratio, `outages` the repair
statistics, `rollup` the bloc and the province, `period` the edges of months in local time.
"""
