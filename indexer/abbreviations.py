"""Latin words before whose full stop a sentence goes on, and words that open sentences. Data for `sentences.py`."""

NEVER_END = frozenset(
    """
    mr mrs ms mx dr drs prof profs st rev fr gov govs sen sens rep reps gen gens col lt sgt capt cmdr maj adm hon pres
    supt messrs mme mlle sra sr v vs cf viz e.g i.e eg ie ca approx esp incl mt ft op cit ed eds
    ph.d dipl ing hr bzw z.b d.h u.a
    """.split()
)
"""Titles, and words that want a name behind them: a capital letter there begins no sentence."""

BEFORE_NUMBERS = frozenset("no nos p pp fig figs vol vols art sec ch".split())
"""The sentence goes on where a digit follows."""

MAY_END = frozenset(
    """
    inc ltd corp co bros plc llc jr sr u.s u.k u.n e.u d.c u.s.a a.m p.m etc al ave blvd rd dept est
    jan feb mar apr jun jul aug sep sept oct nov dec mon tue wed thu fri sat sun
    """.split()
)
"""These stand inside a sentence as well as at its end; whether an opening word follows decides."""

OPENING_WORDS = frozenset(
    """
    the a an this that these those he she it they we you i his her its their our my but and or so yet in on at by for
    from with to as if when while after before since because although however meanwhile there here what who why how
    where which mr mrs ms dr some many most all no not one two both each another others
    """.split()
)
"""Words that, capitalised, most likely begin a sentence."""
