"""The program, evaluated abstractly: everything that can be found wrong without data and without devices."""

from bvc.check.check import Checked as Checked
from bvc.check.check import check as check
from bvc.check.check import check_file as check_file
