"""All units of UCUM: symbol, factor, in terms of; `metric` takes prefixes.

Source: The Unified Code for Units of Measure, version 2.1, tables 1-20, every atom of it.
The values are those of the standard, exact where it gives them exactly.
"""

from typing import Final

BASE: Final = frozenset({"m", "s", "g", "rad", "K", "C", "cd"})

PREFIXES: Final = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

# Of information: powers of 2.
BINARY_PREFIXES: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}

# Factor to kelvin, and what is added before it is applied.
SHIFTED: Final = {"Cel": ("1", "273.15"), "[degF]": ("5/9", "459.67"), "[degRe]": ("5/4", "218.52")}

# Units that measure something only they measure; two names of one unit share a word.
ARBITRARY: Final = {
    "[iU]": "[iU]", "[IU]": "[iU]", "[arb'U]": "[arb'U]", "[USP'U]": "[USP'U]",
    "[GPL'U]": "[GPL'U]", "[MPL'U]": "[MPL'U]", "[APL'U]": "[APL'U]", "[beth'U]": "[beth'U]",
    "[anti'Xa'U]": "[anti'Xa'U]", "[todd'U]": "[todd'U]", "[dye'U]": "[dye'U]",
    "[smgy'U]": "[smgy'U]", "[bdsk'U]": "[bdsk'U]", "[ka'U]": "[ka'U]", "[knk'U]": "[knk'U]",
    "[mclg'U]": "[mclg'U]", "[tb'U]": "[tb'U]", "[CCID_50]": "[CCID_50]",
    "[TCID_50]": "[TCID_50]", "[EID_50]": "[EID_50]", "[PFU]": "[PFU]", "[FFU]": "[FFU]",
    "[CFU]": "[CFU]", "[IR]": "[IR]", "[BAU]": "[BAU]", "[AU]": "[AU]",
    "[Amb'a'1'U]": "[Amb'a'1'U]", "[PNU]": "[PNU]", "[Lf]": "[Lf]", "[D'ag'U]": "[D'ag'U]",
    "[FEU]": "[FEU]", "[ELU]": "[ELU]", "[EU]": "[EU]", "[hnsf'U]": "[hnsf'U]", "[hp_X]": "[hp_X]",
    "[hp_C]": "[hp_C]", "[hp_M]": "[hp_M]", "[hp_Q]": "[hp_Q]", "[kp_X]": "[kp_X]",
    "[kp_C]": "[kp_C]", "[kp_M]": "[kp_M]", "[kp_Q]": "[kp_Q]", "[hp'_M]": "[hp'_M]",
    "[hp'_Q]": "[hp'_Q]", "[NTU]": "[NTU]", "[FNU]": "[FNU]", "%[slope]": "%[slope]",
    "bit_s": "bit_s", "[p'diop]": "[p'diop]", "B[kW]": "B[kW]", "B[mV]": "B[mV]",
    "B[uV]": "B[uV]", "B[10.nV]": "B[10.nV]",
    "[MET]": "[MET]", "[hp'_X]": "[hp'_X]", "[hp'_C]": "[hp'_C]", "[S]": "[S]",
    "[pH]": "[pH]", "B": "B", "Np": "Np", "B[SPL]": "B[SPL]", "B[V]": "B[V]", "B[W]": "B[W]",
    "[m/s2/Hz^(1/2)]": "[m/s2/Hz^(1/2)]",
}  # fmt: skip

DEFINED: Final = """
10*          10                      1
10^          10                      1
[pi]         3.1415926535897932384626433832795028841971693993751058209749445923 1
%            1/100                   1
[ppth]       1/1000                  1
[ppm]        1/1000000               1
[ppb]        1/1000000000            1
[pptr]       1/1000000000000         1
mol          6.0221367               10*23       metric
sr           1                       rad2        metric
Hz           1                       s-1         metric
N            1                       kg.m/s2     metric
Pa           1                       N/m2        metric
J            1                       N.m         metric
W            1                       J/s         metric
A            1                       C/s         metric
V            1                       J/C         metric
F            1                       C/V         metric
Ohm          1                       V/A         metric
S            1                       Ohm-1       metric
Wb           1                       V.s         metric
T            1                       Wb/m2       metric
H            1                       Wb/A        metric
lm           1                       cd.sr       metric
lx           1                       lm/m2       metric
Bq           1                       s-1         metric
Gy           1                       J/kg        metric
Sv           1                       J/kg        metric
gon          0.9                     deg
deg          2                       [pi].rad/360
'            1/60                    deg
''           1/60                    '
l            1                       dm3         metric
L            1                       l           metric
ar           100                     m2          metric
min          60                      s
h            60                      min
d            24                      h
wk           7                       d
a_t          365.24219               d
a_j          365.25                  d
a_g          365.2425                d
a            1                       a_j
mo_s         29.53059                d
mo_j         1/12                    a_j
mo_g         1/12                    a_g
mo           1                       mo_j
t            1000                    kg          metric
bar          100000                  Pa          metric
u            1.6605402e-24           g           metric
eV           1.60217733e-19          J           metric
AU           149597.870691           Mm
pc           3.085678e16             m           metric
[c]          299792458               m/s         metric
[h]          6.6260755e-34           J.s         metric
[k]          1.380658e-23            J/K         metric
[eps_0]      8.854187817e-12         F/m         metric
[e]          1.60217733e-19          C           metric
[m_e]        9.1093897e-28           g           metric
[m_p]        1.6726231e-24           g           metric
[G]          6.67259e-11             m3.kg-1.s-2 metric
[g]          9.80665                 m/s2        metric
atm          101325                  Pa
[ly]         1                       [c].a_j     metric
gf           1                       g.[g]       metric
[lbf_av]     1                       [lb_av].[g]
Ky           1                       cm-1        metric
Gal          1                       cm/s2       metric
dyn          1                       g.cm/s2     metric
erg          1                       dyn.cm      metric
P            1                       dyn.s/cm2   metric
Bi           10                      A           metric
St           1                       cm2/s       metric
Mx           1e-8                    Wb          metric
G            0.0001                  T           metric
Ci           37000000000             Bq          metric
R            0.000258                C/kg        metric
RAD          100                     erg/g       metric
REM          1                       RAD         metric
[in_i]       2.54                    cm
[ft_i]       12                      [in_i]
[yd_i]       3                       [ft_i]
[mi_i]       5280                    [ft_i]
[fth_i]      6                       [ft_i]
[nmi_i]      1852                    m
[kn_i]       1                       [nmi_i]/h
[sin_i]      1                       [in_i]2
[sft_i]      1                       [ft_i]2
[syd_i]      1                       [yd_i]2
[cin_i]      1                       [in_i]3
[cft_i]      1                       [ft_i]3
[cyd_i]      1                       [yd_i]3
[bf_i]       144                     [in_i]3
[cr_i]       128                     [ft_i]3
[mil_i]      0.001                   [in_i]
[hd_i]       4                       [in_i]
[in_us]      1/12                    [ft_us]
[ft_us]      1200/3937               m
[yd_us]      3                       [ft_us]
[mi_us]      5280                    [ft_us]
[acr_us]     43560                   [ft_us]2
[gal_us]     231                     [in_i]3
[bbl_us]     42                      [gal_us]
[qt_us]      1/4                     [gal_us]
[pt_us]      1/2                     [qt_us]
[gil_us]     1/4                     [pt_us]
[foz_us]     1/4                     [gil_us]
[fdr_us]     1/8                     [foz_us]
[min_us]     1/60                    [fdr_us]
[crd_us]     128                     [ft_i]3
[bu_us]      2150.42                 [in_i]3
[cup_us]     16                      [tbs_us]
[tbs_us]     1/2                     [foz_us]
[tsp_us]     1/3                     [tbs_us]
[cup_m]      240                     mL
[foz_m]      30                      mL
[tbs_m]      15                      mL
[tsp_m]      5                       mL
[gal_br]     4.54609                 l
[qt_br]      1/4                     [gal_br]
[pt_br]      1/2                     [qt_br]
[gil_br]     1/4                     [pt_br]
[foz_br]     1/5                     [gil_br]
[fdr_br]     1/8                     [foz_br]
[min_br]     1/60                    [fdr_br]
[gr]         64.79891                mg
[lb_av]      7000                    [gr]
[oz_av]      1/16                    [lb_av]
[dr_av]      1/16                    [oz_av]
[stone_av]   14                      [lb_av]
[scwt_av]    100                     [lb_av]
[lcwt_av]    112                     [lb_av]
[ston_av]    20                      [scwt_av]
[lton_av]    20                      [lcwt_av]
[pwt_tr]     24                      [gr]
[oz_tr]      20                      [pwt_tr]
[lb_tr]      12                      [oz_tr]
[sc_ap]      20                      [gr]
[dr_ap]      3                       [sc_ap]
[oz_ap]      8                       [dr_ap]
[oz_m]       28                      g
tex          1                       g/km        metric
[den]        1/9                     g/km
[lb_ap]      12                      [oz_ap]
[lne]        1/12                    [in_i]
[pnt]        1/72                    [in_i]
[degR]       5/9                     K
cal_[15]     4.1858                  J           metric
cal_[20]     4.1819                  J           metric
cal_m        4.19002                 J           metric
cal_IT       4.1868                  J           metric
cal_th       4.184                   J           metric
cal          1                       cal_th      metric
[Cal]        1                       kcal_th
[Btu_th]     1.05435                 kJ
[HP]         550                     [ft_i].[lbf_av]/s
m[H2O]       9.80665                 kPa         metric
m[Hg]        133.322                 kPa         metric
[in_i'H2O]   1                       m[H2O].[in_i]/m
[in_i'Hg]    1                       m[Hg].[in_i]/m
[PRU]        1                       mm[Hg].s/ml
[wood'U]     1                       mm[Hg].min/L
[diop]       1                       /m
[psi]        1                       [lbf_av]/[in_i]2
[mesh_i]     1                       /[in_i]
[Ch]         1/3                     mm
[drp]        1/20                    ml
kat          1                       mol/s       metric
U            1                       umol/min    metric
eq           1                       mol         metric
osm          1                       mol         metric
g%           1                       g/dl        metric
[HPF]        1                       1
[LPF]        100                     1
st           1                       m3          metric
Ao           0.1                     nm
b            100                     fm2
att          1                       kgf/cm2
mho          1                       S           metric
sph          1                       [pi].sr.4
[car_m]      0.2                     g
[car_Au]     1/24                    1
[smoot]      67                      [in_i]
bit          1                       1           metric
By           8                       bit         metric
Bd           1                       s-1         metric
circ         2                       [pi].rad
[Btu]        1                       [Btu_th]
[Btu_39]     1.05967                 kJ
[Btu_59]     1.05480                 kJ
[Btu_60]     1.05468                 kJ
[Btu_m]      1.05587                 kJ
[Btu_IT]     1.05505585262           kJ
Oe           250                     A/m/[pi]    metric
Gb           1                       Oe.cm       metric
Lmb          1                       cd/cm2/[pi] metric
ph           0.0001                  lx          metric
sb           1                       cd/cm2      metric
[mu_0]       4                       [pi].10*-7.N/A2 metric
[in_br]      2.539998                cm
[ft_br]      12                      [in_br]
[rd_br]      16.5                    [ft_br]
[ch_br]      4                       [rd_br]
[lk_br]      7.92                    [in_br]
[fth_br]     6                       [ft_br]
[pc_br]      2.5                     [ft_br]
[yd_br]      3                       [ft_br]
[mi_br]      5280                    [ft_br]
[nmi_br]     6080                    [ft_br]
[kn_br]      1                       [nmi_br]/h
[acr_br]     4840                    [yd_br]2
[pk_br]      2                       [gal_br]
[bu_br]      4                       [pk_br]
[rd_us]      16.5                    [ft_us]
[ch_us]      4                       [rd_us]
[lk_us]      1/100                   [ch_us]
[rch_us]     100                     [ft_us]
[rlk_us]     1/100                   [rch_us]
[fth_us]     6                       [ft_us]
[fur_us]     40                      [rd_us]
[mil_us]     0.001                   [in_us]
[srd_us]     1                       [rd_us]2
[smi_us]     1                       [mi_us]2
[sct]        1                       [mi_us]2
[twp]        36                      [sct]
[gal_wi]     1/8                     [bu_us]
[pk_us]      1/4                     [bu_us]
[dqt_us]     1/8                     [pk_us]
[dpt_us]     1/2                     [dqt_us]
[pied]       32.48                   cm
[pouce]      1/12                    [pied]
[ligne]      1/12                    [pouce]
[didot]      1/6                     [ligne]
[cicero]     12                      [didot]
[pca]        12                      [pnt]
[pnt_pr]     0.013837                [in_i]
[pca_pr]     12                      [pnt_pr]
[cml_i]      1/4                     [pi].[mil_i]2
"""
