"""Charts of accounts, written as indented text or made by rule.

A line is `name | type | detail type | number | marks`; a child (indented by one space more than its
parent) takes its parent's type and detail type where it names none. Marks: `-` never has postings
of its own, `x` was made inactive, `d` was deleted, `e` is kept in euros, `=ID` gives the id.
"""
from collections import namedtuple

Account = namedtuple("Account", "id name parent type subtype number marks")

COMMON = """\
Retained Earnings|Equity|RetainedEarnings|3900
Opening Balance Equity|Equity|OpeningBalanceEquity|3000
Unapplied Cash Payment Income|Income|UnappliedCashPaymentIncome|4990
Unapplied Cash Bill Payment Expense|Expense|UnappliedCashBillPaymentExpense|6990
"""

REEF = """\
Main Bank|Bank|Checking|1000
 Payroll Account|||1010
 Tax Reserve|||1020
Savings|Bank|Savings|1050
Petty Cash|Bank|CashOnHand|1060
Accounts Receivable (A/R)|Accounts Receivable|AccountsReceivable|1100
Inventory Asset|Other Current Asset|Inventory|1200
Prepaid Expenses|Other Current Asset|PrepaidExpenses|1300
Allowance for Bad Debts|Other Current Asset|AllowanceForBadDebts|1310
Vehicles|Fixed Asset|Vehicles|1500|-
 Boats|||1510|-
  Original Cost|||1511
  Depreciation||AccumulatedDepreciation|1512
 Trucks|||1520|-
  Original Cost|||1521
  Depreciation||AccumulatedDepreciation|1522
Security Deposits|Other Asset|SecurityDeposits|1800
Accounts Payable (A/P)|Accounts Payable|AccountsPayable|2000
Coral Card|Credit Card|CreditCard|2100
Sales Tax Payable|Other Current Liability|GlobalTaxPayable|2200
Payroll Liabilities|Other Current Liability|PayrollTaxPayable|2300
 Health Plan|||2310
Bank Loan|Long Term Liability|NotesPayable|2500
Shareholder Capital|Equity|PaidInCapitalOrSurplus|3100
Dividends|Equity|PartnerDistributions|3200
Sales|Income|SalesOfProductIncome|4000
 Equipment|||4100
  Fins|||4110
  Masks|||4120
   Adult|||4121
    Prescription|||4122
   Child|||4123
 Courses|||4200|-
  Beginner|||4210
  Advanced|||4220
 Materials|||4300
Discounts Given|Income|DiscountsRefundsGiven|4800
Guided Night Dives|Income|ServiceFeeIncome|4850|x
Cost of Goods Sold|Cost of Goods Sold|SuppliesMaterialsCogs|5000
 Materials|||5100
 Freight|||5200
Payroll|Expense|PayrollExpenses|6000
 Wages|||6010
 Employer Taxes|||6020
 Training|||6030
  Materials|||6031
Rent|Expense|RentOrLeaseOfBuildings|6100||=1150040001
Utilities|Expense|Utilities|6200|-
 Water|||6210
 Power|||6220
Café de l'Océan Hospitality|Expense|EntertainmentMeals|6300||=1150040002
Insurance|Expense|Insurance|6400
Office|Expense|OfficeGeneralAdministrativeExpenses|6500
 Other|||6510
Marketing|Expense|AdvertisingPromotional|6600
 Print|||6610
 Online|||6620
 Other|||6690
Fax Line|Expense|Utilities|6700|d
Old Jetty Upkeep|Expense|RepairMaintenance|6710|x
Bank Charges|Expense|BankCharges|6800
Interest Earned|Other Income|InterestEarned|7000
Depreciation|Other Expense|Depreciation|8000
Exchange Gain or Loss|Other Expense|ExchangeGainOrLoss|8100
"""

PLAIN = """\
Checking|Bank|Checking|1000
Savings|Bank|Savings|1010
Accounts Receivable (A/R)|Accounts Receivable|AccountsReceivable|1100
Undeposited Funds|Other Current Asset|UndepositedFunds|1200
Equipment|Fixed Asset|MachineryAndEquipment|1500|-
 Original Cost|||1510
 Depreciation||AccumulatedDepreciation|1520
Accounts Payable (A/P)|Accounts Payable|AccountsPayable|2000
Company Card|Credit Card|CreditCard|2100
Tax Payable|Other Current Liability|GlobalTaxPayable|2200
Loan|Long Term Liability|NotesPayable|2500
Owner Capital|Equity|OwnersEquity|3100
Services|Income|ServiceFeeIncome|4000
 Consulting|||4100
 Support|||4200
Product Sales|Income|SalesOfProductIncome|4500
Old Rentals|Income|ServiceFeeIncome|4600|x
Materials Used|Cost of Goods Sold|SuppliesMaterialsCogs|5000
Wages|Expense|PayrollExpenses|6000
Rent|Expense|RentOrLeaseOfBuildings|6100
Travel|Expense|Travel|6200
 Fuel|||6210
 Hotels|||6220
Software|Expense|OfficeGeneralAdministrativeExpenses|6300
Legal|Expense|LegalProfessionalFees|6400
Depreciation|Other Expense|Depreciation|8000
"""

LAGOON = PLAIN + """\
Euro Account|Bank|Checking|1020|e
Subsidies|Other Income|OtherMiscellaneousIncome|7000
Interest Received|Other Income|InterestEarned|7100
Penalties|Other Expense|PenaltiesSettlements|8100
Write-offs|Other Expense|OtherMiscellaneousExpense|8200
 Stock|||8210
 Debtors|||8220
"""

SHELL = """\
Checking|Bank|Checking
Accounts Receivable (A/R)|Accounts Receivable|AccountsReceivable
Accounts Payable (A/P)|Accounts Payable|AccountsPayable
Sales|Income|SalesOfProductIncome
Cost of Goods Sold|Cost of Goods Sold|SuppliesMaterialsCogs
Office Expenses|Expense|OfficeGeneralAdministrativeExpenses
"""

CORAIL = """\
Banque|Bank|Checking|512
 Compte épargne|||5121
Clients|Accounts Receivable|AccountsReceivable|411
Stocks|Other Current Asset|Inventory|370
Matériel|Fixed Asset|MachineryAndEquipment|215|-
 Coût d'origine|||2151
 Amortissements||AccumulatedDepreciation|2815
Fournisseurs|Accounts Payable|AccountsPayable|401
Carte bancaire|Credit Card|CreditCard|519
TVA à décaisser|Other Current Liability|GlobalTaxPayable|4455
Emprunt|Long Term Liability|BankLoans|164
Capital social|Equity|ShareCapital|101
Ventes de marchandises|Income|SalesOfProductIncome|707
 Détail|||7071
 Gros|||7072
Prestations de services|Income|ServiceFeeIncome|706
Achats de marchandises|Cost of Goods Sold|CostOfSales|607
Salaires|Expense|StaffCosts|641
 Primes d'été|||6411
Loyers|Expense|RentOrLeaseOfBuildings|613
Déplacements|Expense|Travel|625
Énergie et eau|Expense|Utilities|606|d
Intérêts reçus|Other Income|InterestEarned|763
Dotations aux amortissements|Other Expense|Depreciation|681
"""

ISLET = """\
Current Account|Bank|Checking|1200
Reserve Account|Bank|Savings|1210
Trade Debtors|Accounts Receivable|AccountsReceivable|1100
Stock|Other Current Asset|Inventory|1001
Prepayments|Other Current Asset|PrepaidExpenses|1103
Due from Group|Other Current Asset|OtherCurrentAssets|1150|-
 Due from Reef Trading|||1151
 Due from Atoll Holdings|||1152
Plant|Fixed Asset|MachineryAndEquipment|0020|-
 Cost|||0021
 Depreciation||AccumulatedDepreciation|0022
Trade Creditors|Accounts Payable|AccountsPayable|2100
Company Card|Credit Card|CreditCard|2110
VAT Control|Other Current Liability|GlobalTaxPayable|2200
PAYE and NI|Other Current Liability|PayrollTaxPayable|2210
Due to Group|Other Current Liability|OtherCurrentLiabilities|2300|-
 Due to Reef Trading|||2301
 Due to Atoll Holdings|||2302
Loan from Reef Trading|Long Term Liability|NotesPayable|2310
Ordinary Shares|Equity|ShareCapital|3010
Dividends Paid|Equity|PartnerDistributions|3100
Sales|Income|SalesOfProductIncome|4000
 Home|||4001
 Export|||4002
Sales to Group|Income|SalesOfProductIncome|4900
Purchases|Cost of Goods Sold|SuppliesMaterialsCogs|5000
Purchases from Group|Cost of Goods Sold|SuppliesMaterialsCogs|5900
Gross Wages|Expense|PayrollExpenses|7000
Employer's NI|Expense|PayrollExpenses|7006
Rent and Rates|Expense|RentOrLeaseOfBuildings|7100
Heat and Light|Expense|Utilities|7200
Travelling|Expense|Travel|7400
Accountancy|Expense|LegalProfessionalFees|7601
Bank Charges|Expense|BankCharges|7901
Management Charge from Group|Expense|OtherBusinessExpenses|7950
Interest Received|Other Income|InterestEarned|4904
Depreciation|Other Expense|Depreciation|8000
"""

POD = """\
Checking|Bank|Checking
Accounts Receivable (A/R)|Accounts Receivable|AccountsReceivable
Accounts Payable (A/P)|Accounts Payable|AccountsPayable
Loan|Long Term Liability|NotesPayable
Capital|Equity|OwnersEquity
Sales|Income|SalesOfProductIncome
 Retail|||
Purchases|Cost of Goods Sold|SuppliesMaterialsCogs
Wages|Expense|PayrollExpenses
Rent|Expense|RentOrLeaseOfBuildings
Other Costs|Expense|OtherBusinessExpenses
"""

SANDY = "\n".join(line for line in REEF.splitlines()
                  if line.strip(" ").split("|")[0] not in ("Petty Cash", "Trucks", "Insurance")
                  and "|152" not in line) + "\n"


def parse(text, first_id=1):
    """The accounts of an indented text followed by the accounts every company has."""
    accounts, above, number = [], [], first_id
    for line in (text + COMMON).splitlines():
        depth = len(line) - len(line.lstrip(" "))
        cells = (line.strip() + "|||||").split("|")
        name, kind, subtype, code, marks, fixed = cells[:6]
        parent = above[depth - 1] if depth else None
        identifier = fixed[1:] if fixed.startswith("=") else str(number)
        number += 0 if fixed.startswith("=") else 1
        account = Account(identifier, name, parent and parent.id, kind or parent.type,
                          subtype or parent.subtype, code or None, marks)
        above[depth:] = [account]
        accounts.append(account)
    return accounts


def _branches(accounts, root, ids, names, depth, busy):
    """A tree of sub-accounts below `root`: every one of `names` at each of `depth` levels."""
    for name in names:
        child = Account(next(ids), name, root.id, root.type, root.subtype, None,
                        "" if busy(len(accounts)) else "-")
        accounts.append(child)
        if depth > 1:
            _branches(accounts, child, ids, names, depth - 1, busy)


def _ids(first):
    """Short ids at first, then ten digits, then nineteen, as an old large company has them."""
    count = 0
    while True:
        count += 1
        if count <= 400:
            yield str(first + count)
        elif count <= 900:
            yield str(1150040000 + count)
        else:
            yield str(5000000000000142000 + count)


def large(size, regions, leaves, depth, busy_every):
    """A chart of exactly `size` accounts: the plain one plus trees of costs and income.

    One in `busy_every` of the added accounts has postings.
    """
    accounts = parse(PLAIN)
    ids = _ids(len(accounts) + 100)
    busy = lambda position: position % busy_every == 0
    kinds = (("Expense", "OtherBusinessExpenses"), ("Income", "ServiceFeeIncome"),
             ("Cost of Goods Sold", "SuppliesMaterialsCogs"), ("Other Current Asset", "Inventory"))
    round_number = 0
    while len(accounts) < size:
        kind, subtype = kinds[round_number % len(kinds)]
        region = regions[round_number % len(regions)]
        root = Account(next(ids), "%s %s %d" % (region, kind, round_number + 1), None, kind,
                       subtype, None, "-")
        accounts.append(root)
        _branches(accounts, root, ids, leaves, depth, busy)
        round_number += 1
    return accounts[:size]


def atlas():
    return large(1500, ("North", "South", "East", "West"), ("Staff", "Goods", "Other"), 4, 4)


def kelp():
    return large(200, ("Bay", "Cove", "Point"), ("Staff", "Goods", "Other"), 2, 1)
