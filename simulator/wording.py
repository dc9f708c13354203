"""The words of reports in several languages. Ids, groups and MetaData never change with them."""

ENGLISH = {
    "Income": ("Income", "Total Income"),
    "COGS": ("Cost of Goods Sold", "Total Cost of Goods Sold"),
    "GrossProfit": (None, "Gross Profit"),
    "Expenses": ("Expenses", "Total Expenses"),
    "NetOperatingIncome": (None, "Net Operating Income"),
    "OtherIncome": ("Other Income", "Total Other Income"),
    "OtherExpenses": ("Other Expenses", "Total Other Expenses"),
    "NetOtherIncome": (None, "Net Other Income"),
    "NetIncome": (None, "Net Income"),
    "TotalAssets": ("ASSETS", "TOTAL ASSETS"),
    "CurrentAssets": ("Current Assets", "Total Current Assets"),
    "BankAccounts": ("Bank Accounts", "Total Bank Accounts"),
    "AR": ("Accounts Receivable", "Total Accounts Receivable"),
    "OtherCurrentAssets": ("Other Current Assets", "Total Other Current Assets"),
    "FixedAssets": ("Fixed Assets", "Total Fixed Assets"),
    "OtherAssets": ("Other Assets", "Total Other Assets"),
    "TotalLiabilitiesAndEquity": ("LIABILITIES AND EQUITY", "TOTAL LIABILITIES AND EQUITY"),
    "Liabilities": ("Liabilities", "Total Liabilities"),
    "CurrentLiabilities": ("Current Liabilities", "Total Current Liabilities"),
    "AP": ("Accounts Payable", "Total Accounts Payable"),
    "CreditCards": ("Credit Cards", "Total Credit Cards"),
    "OtherCurrentLiabilities": ("Other Current Liabilities", "Total Other Current Liabilities"),
    "LongTermLiabilities": ("Long-Term Liabilities", "Total Long-Term Liabilities"),
    "Equity": ("Equity", "Total Equity"),
    "GrandTotal": (None, "TOTAL"),
    "Debit": "Debit", "Credit": "Credit", "Total": "Total", "total of": "Total %s",
    "Not Specified": "Not Specified",
    "Unrealized": "Unrealized Gain or Loss",
    "months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()}

FRENCH = {
    "Income": ("Revenus", "Total des revenus"),
    "COGS": ("Coût des marchandises vendues", "Total du coût des marchandises vendues"),
    "GrossProfit": (None, "Bénéfice brut"),
    "Expenses": ("Dépenses", "Total des dépenses"),
    "NetOperatingIncome": (None, "Résultat d'exploitation net"),
    "OtherIncome": ("Autres revenus", "Total des autres revenus"),
    "OtherExpenses": ("Autres dépenses", "Total des autres dépenses"),
    "NetOtherIncome": (None, "Autre résultat net"),
    "NetIncome": (None, "Bénéfice net"),
    "TotalAssets": ("ACTIF", "TOTAL DE L'ACTIF"),
    "CurrentAssets": ("Actif à court terme", "Total de l'actif à court terme"),
    "BankAccounts": ("Comptes bancaires", "Total des comptes bancaires"),
    "AR": ("Comptes clients", "Total des comptes clients"),
    "OtherCurrentAssets": ("Autres actifs à court terme",
                           "Total des autres actifs à court terme"),
    "FixedAssets": ("Immobilisations", "Total des immobilisations"),
    "OtherAssets": ("Autres actifs", "Total des autres actifs"),
    "TotalLiabilitiesAndEquity": ("PASSIF ET CAPITAUX PROPRES",
                                  "TOTAL DU PASSIF ET DES CAPITAUX PROPRES"),
    "Liabilities": ("Passif", "Total du passif"),
    "CurrentLiabilities": ("Passif à court terme", "Total du passif à court terme"),
    "AP": ("Comptes fournisseurs", "Total des comptes fournisseurs"),
    "CreditCards": ("Cartes de crédit", "Total des cartes de crédit"),
    "OtherCurrentLiabilities": ("Autres passifs à court terme",
                                "Total des autres passifs à court terme"),
    "LongTermLiabilities": ("Passif à long terme", "Total du passif à long terme"),
    "Equity": ("Capitaux propres", "Total des capitaux propres"),
    "GrandTotal": (None, "TOTAL"),
    "Debit": "Débit", "Credit": "Crédit", "Total": "Total", "total of": "Total pour %s",
    "Not Specified": "Non spécifié",
    "Unrealized": "Gain ou perte latent",
    "months": "janv. févr. mars avr. mai juin juill. août sept. oct. nov. déc.".split()}

GERMAN = {
    "Income": ("Erträge", "Summe Erträge"),
    "COGS": ("Wareneinsatz", "Summe Wareneinsatz"),
    "GrossProfit": (None, "Rohertrag"),
    "Expenses": ("Aufwendungen", "Summe Aufwendungen"),
    "NetOperatingIncome": (None, "Betriebsergebnis"),
    "OtherIncome": ("Sonstige Erträge", "Summe Sonstige Erträge"),
    "OtherExpenses": ("Sonstige Aufwendungen", "Summe Sonstige Aufwendungen"),
    "NetOtherIncome": (None, "Sonstiges Ergebnis"),
    "NetIncome": (None, "Jahresüberschuss"),
    "TotalAssets": ("AKTIVA", "SUMME AKTIVA"),
    "CurrentAssets": ("Umlaufvermögen", "Summe Umlaufvermögen"),
    "BankAccounts": ("Bankkonten", "Summe Bankkonten"),
    "AR": ("Forderungen", "Summe Forderungen"),
    "OtherCurrentAssets": ("Sonstiges Umlaufvermögen", "Summe Sonstiges Umlaufvermögen"),
    "FixedAssets": ("Anlagevermögen", "Summe Anlagevermögen"),
    "OtherAssets": ("Sonstige Vermögenswerte", "Summe Sonstige Vermögenswerte"),
    "TotalLiabilitiesAndEquity": ("PASSIVA", "SUMME PASSIVA"),
    "Liabilities": ("Verbindlichkeiten", "Summe Verbindlichkeiten"),
    "CurrentLiabilities": ("Kurzfristige Verbindlichkeiten",
                           "Summe Kurzfristige Verbindlichkeiten"),
    "AP": ("Lieferantenverbindlichkeiten", "Summe Lieferantenverbindlichkeiten"),
    "CreditCards": ("Kreditkarten", "Summe Kreditkarten"),
    "OtherCurrentLiabilities": ("Sonstige kurzfristige Verbindlichkeiten",
                                "Summe Sonstige kurzfristige Verbindlichkeiten"),
    "LongTermLiabilities": ("Langfristige Verbindlichkeiten",
                            "Summe Langfristige Verbindlichkeiten"),
    "Equity": ("Eigenkapital", "Summe Eigenkapital"),
    "GrandTotal": (None, "GESAMT"),
    "Debit": "Soll", "Credit": "Haben", "Total": "Gesamt", "total of": "Summe %s",
    "Not Specified": "Nicht angegeben",
    "Unrealized": "Nicht realisierter Gewinn oder Verlust",
    "months": "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.".split()}

LANGUAGES = {"en": ENGLISH, "fr": FRENCH, "de": GERMAN}


def words(language):
    return LANGUAGES.get(language, ENGLISH)


def title_case(text):
    """A title as the new report service may write it: TOTAL ASSETS becomes Total Assets."""
    small = ("And", "Of")
    parts = [word.capitalize() if word.isupper() else word for word in text.split(" ")]
    return " ".join(word.lower() if word in small and i else word for i, word in enumerate(parts))


def period_title(start, end, whole, language="en"):
    """The title of a column; `whole` says that the period is a whole month, quarter or year."""
    names = words(language)["months"]
    first, last = names[start.month - 1], names[end.month - 1]
    same_month = (start.year, start.month) == (end.year, end.month)
    if whole:
        return "%s %d" % (first, end.year) if same_month else "%s - %s %d" % (first, last, end.year)
    if start == end:
        return "%s %d, %d" % (first, start.day, end.year)
    if same_month:
        return "%s %d-%d, %d" % (first, start.day, end.day, end.year)
    return "%s %d - %s %d, %d" % (first, start.day, last, end.day, end.year)
