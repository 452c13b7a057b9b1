"""`{% load money %}{{ amount|money:currency }}`: an amount in minor units, for people."""

from django.template import Library

from billing.money import text

register = Library()
register.filter("money", text)
