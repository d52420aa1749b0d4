"""Which table a document holds, told from the names of its elements.

The names are those of letter 1245/BHXH-CNTT (3.4) and the annexes of Decisions 4210 and
4750; tag case varies in real files, so names are compared in upper case.
"""

ENVELOPE = "GIAMDINHHS"
CHECK_IN = "CHI_TIEU_TRANG_THAI_KCB"
CHECKOUT = "CHECKOUT"

ROW_TAGS = {
    "TRANG_THAI_KCB": "XML0",
    "TONG_HOP": "XML1",
    "CHI_TIET_THUOC": "XML2",
    "CHI_TIET_DVKT": "XML3",
    "CHI_TIET_CLS": "XML4",
    "CHI_TIET_DIEN_BIEN_BENH": "XML5",
    "HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS": "XML6",
    "CHI_TIEU_DU_LIEU_GIAY_RA_VIEN": "XML7",
    "CHI_TIEU_DU_LIEU_TOM_TAT_HO_SO_BENH_AN": "XML8",
    "DU_LIEU_GIAY_CHUNG_SINH": "XML9",
    "CHI_TIEU_DU_LIEU_GIAY_NGHI_DUONG_THAI": "XML10",
    "CHI_TIEU_DU_LIEU_GIAY_CHUNG_NHAN_NGHI_VIEC_HUONG_BAO_HIEM_XA_HOI": "XML11",
    "GIAM_DINH_Y_KHOA": "XML12",
    "CHI_TIEU_GIAYCHUYENTUYEN": "XML13",
    "CHI_TIEU_GIAYHEN_KHAMLAI": "XML14",
    "CHITIET_DIEUTRI_BENHLAO": "XML15",
}

_LIST_TAGS = {
    "CHI_TIEU_TRANG_THAI_KCB": "XML0",
    "DSACH_TRANG_THAI_KCB": "XML0",
    "CHITIEU_CHITIET_THUOC": "XML2",
    "DSACH_CHI_TIET_THUOC": "XML2",
    "CHITIEU_CHITIET_DVKT_VTYT": "XML3",
    "DSACH_CHI_TIET_DVKT": "XML3",
    "CHITIEU_CHITIET_DICHVUCANLAMSANG": "XML4",
    "DSACH_CHI_TIET_CLS": "XML4",
    "CHITIEU_CHITIET_DIENBIENLAMSANG": "XML5",
    "DSACH_CHI_TIET_DIEN_BIEN_BENH": "XML5",
    "CHI_TIEU_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS": "XML6",
    "DSACH_HO_SO_BENH_AN_CHAM_SOC_VA_DIEU_TRI_HIV_AIDS": "XML6",
    "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH": "XML9",
    "DSACH_GIAYCHUNGSINH": "XML9",
    "DSACH_GIAM_DINH_Y_KHOA": "XML12",
    "CHI_TIEU_DIEUTRI_BENHLAO": "XML15",
    "DSACH_CHITIET_DIEUTRI_BENHLAO": "XML15",
}

TABLE_ROOTS = {**ROW_TAGS, **_LIST_TAGS}


def local_name(tag: str) -> str:
    """Return an element's name without namespace or prefix, in upper case."""
    return tag.rpartition("}")[2].rpartition(":")[2].upper()


def table_of(tag: str) -> str:
    """Return the table whose document has this root element, or ""."""
    return TABLE_ROOTS.get(local_name(tag), "")
