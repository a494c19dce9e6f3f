import pytest

from vault.server.policy import (
    RULES,
    Facts,
    ForbiddenError,
    HiddenError,
    NotHabilitatedError,
    Principal,
    Role,
    Rule,
    Scope,
    Subject,
    admit,
    judge,
    scope,
)

ME, OTHER = b"m" * 32, b"o" * 32
FETCH = RULES["fetch_container"]


def editor(**options):
    return Principal(role=Role.EDITOR, signing_key=ME, **options)


def portal(**options):
    return Principal(role=Role.PORTAL, account="p", organisation="one", habilitated=True, **options)


def reviewer(**options):
    return Principal(role=Role.REVIEWER, account="r", kem_key=ME, **({"habilitated": True} | options))


def test_facts_deny_by_default():
    for name, rule in RULES.items():
        for who in (editor(), portal(), portal(acting_for=ME), reviewer()):
            if rule.subject is not Subject.NOTHING and who.role in rule.roles:
                with pytest.raises(HiddenError):
                    judge(rule, who, Facts())
        if rule.subject is not Subject.NOTHING:
            with pytest.raises(HiddenError):
                judge(rule, Principal(role=Role.ADMIN), None)
        assert name == "public" or rule.roles


def test_a_public_rule_lets_nobody_in_by_role():
    for role in Role:
        with pytest.raises(ForbiddenError):
            admit(RULES["public"], Principal(role=role), reading=True)


def test_container_bytes_go_to_three_kinds_of_people_alone():
    everything = Facts(
        owner="x",
        organisation="one",
        mandated=True,
        may_replace=True,
        granted=True,
        signers=frozenset({ME, OTHER}),
    )
    allowed = set()
    for role in Role:
        who = Principal(
            role=role, account="x", organisation="one", signing_key=ME, kem_key=ME, habilitated=True
        )
        try:
            admit(FETCH, who, reading=True)
            judge(FETCH, who, everything)
        except (ForbiddenError, HiddenError):
            continue
        allowed.add(role)
    assert allowed == {Role.EDITOR, Role.REVIEWER, Role.ADMIN}


@pytest.mark.parametrize(
    ("who", "facts"),
    [
        (editor(), Facts(mandated=True, signers=frozenset({OTHER}))),
        (editor(), Facts(mandated=False, signers=frozenset({ME}))),
        (editor(), Facts(granted=True)),
        (reviewer(), Facts(mandated=True, signers=frozenset({ME}))),
        (reviewer(), Facts(granted=False)),
    ],
)
def test_container_bytes_are_hidden_without_each_condition(who, facts):
    with pytest.raises(HiddenError):
        judge(FETCH, who, facts)


def test_a_reviewer_without_a_habilitation_is_told_so_before_anything_is_looked_up():
    with pytest.raises(NotHabilitatedError):
        admit(FETCH, reviewer(habilitated=False), reading=True)


def test_an_admin_without_a_habilitation_gets_no_grant():
    with pytest.raises(NotHabilitatedError):
        admit(RULES["granted_dossier"], Principal(role=Role.ADMIN, kem_key=ME), reading=True)


def test_a_token_for_reading_does_not_write():
    with pytest.raises(ForbiddenError):
        admit(RULES["manage_dossier"], portal(read_only=True), reading=False)
    admit(RULES["manage_dossier"], portal(read_only=True), reading=True)


def test_only_a_portal_acts_for_somebody():
    with pytest.raises(ForbiddenError):
        admit(RULES["see_dossier"], reviewer(acting_for=ME), reading=True)
    with pytest.raises(ForbiddenError):
        admit(RULES["archive_evidence"], portal(), reading=False)
    admit(RULES["archive_evidence"], portal(acting_for=ME), reading=False)


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        (Facts(organisation="one", mandated=True, signers=frozenset({ME})), True),
        (Facts(organisation="one", mandated=True, signers=frozenset({OTHER})), False),
        (Facts(organisation="one", mandated=False, signers=frozenset({ME})), False),
        (Facts(organisation="two", mandated=True, signers=frozenset({ME})), False),
    ],
)
def test_a_portal_acting_for_an_editor_has_what_both_have(facts, seen):
    rule, who = RULES["see_evidence"], portal(acting_for=ME)
    if seen:
        judge(rule, who, facts)
    else:
        with pytest.raises(HiddenError):
            judge(rule, who, facts)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Principal(role=Role.ADMIN), Scope()),
        (portal(), Scope(organisation="one")),
        (portal(acting_for=OTHER), Scope(organisation="one", mandated=OTHER)),
        (Principal(role=Role.PORTAL), Scope(nothing=True)),
        (editor(), Scope(mandated=ME)),
        (Principal(role=Role.EDITOR), Scope(nothing=True)),
        (reviewer(), Scope(grantee=ME)),
        (reviewer(habilitated=False), Scope(nothing=True)),
        (Principal(role=Role.AUDITOR), Scope(nothing=True)),
    ],
)
def test_a_list_shows_what_its_scope_allows(who, expected):
    assert scope(who) == expected


def test_a_rule_that_forgets_its_judge_is_not_a_rule():
    with pytest.raises(TypeError):
        Rule(roles=frozenset(Role))
