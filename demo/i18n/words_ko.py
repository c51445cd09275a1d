"""The words of `words.py` in Korean. What is missing here, the page says in English.

Placeholders such as {number} never stand before a particle whose form depends on the sound before it.
"""

from __future__ import annotations

from typing import Any

# --- header ----------------------------------------------------------------------------------------------------------
LANGUAGE = "언어"
TAGLINE = "이미지의 어느 부분이든 표시하고, 바로 그 픽셀에 대해 물어보세요."
STATUS_LOADING = "{name} 불러오는 중…"
STATUS_FAILED = "{name} 사용 불가."
STATUS_MODEL = "모델"
STATUS_SECOND = "두 번째 모델"
STATUS_SEGMENTER = "분할 모델"
NOTE_EMBEDDED = (
    "작은 내장 모델: 실제 사진이 아니라 그려진 장면(이모지 같은 사물)으로 학습했습니다. "
    "무엇인지, 무슨 색인지, 어디에 있는지, 두 사물이 어떤 관계인지 물어보세요."
)
NOTE_MORE = "실제 사진에 쓰려면…"
NOTE_FULL_MODEL = "실제 사진에는 전체 7B 모델과 GPU가 필요합니다. 다음 명령으로 시작하세요:"
LOADING_FAILED = "{name} 로드에 실패했습니다. 이유는 프로그램 로그에 있습니다."

# --- canvas ----------------------------------------------------------------------------------------------------------
CANVAS = {
    "tools": "표시 도구",
    "point": "클릭",
    "box": "상자",
    "polygon": "다각형",
    "brush": "브러시",
    "pointTip": "사물을 클릭하면 윤곽을 찾아 줍니다 (P)",
    "boxTip": "사물 둘레로 상자를 그립니다 (B)",
    "polygonTip": "꼭짓점을 차례로 클릭하고, 첫 꼭짓점 클릭·더블클릭·Enter로 닫습니다 (O)",
    "everything": "전체",
    "everythingTip": "눈에 띄는 모든 것의 윤곽을 찾습니다. 원하는 것을 클릭하세요 (E)",
    "brushTip": "픽셀을 직접 칠합니다 (R)",
    "actions": "표시 방식",
    "new": "새로",
    "add": "추가",
    "remove": "빼기",
    "newTip": "표시할 때마다 새 영역을 만듭니다 (N)",
    "addTip": "표시한 부분을 선택한 영역에 더합니다 (+)",
    "removeTip": "표시한 부분을 선택한 영역에서 뺍니다 (−). Shift 키나 오른쪽 버튼으로 언제든 뺄 수 있습니다",
    "size": "브러시 크기",
    "undo": "실행 취소",
    "undoTip": "마지막 영역 변경을 되돌립니다 (Ctrl+Z)",
    "clear": "지우기",
    "clearTip": "모든 영역을 지웁니다",
    "save": "저장",
    "saveTip": (
        "이미지, 영역, 대화를 zip으로 저장합니다(마스크, COCO JSON, Markdown 포함). 다시 열면 이어서 할 수 있습니다"
    ),
    "choose": "이미지 열기",
    "chooseMask": "마스크 파일",
    "chooseMaskTip": "파일에서 영역 가져오기: 흑백 또는 투명 이미지, COCO JSON, labelme JSON",
    "chooseTip": "다른 이미지나 저장한 zip을 엽니다. 페이지 어디에나 끌어다 놓거나 붙여 넣어도 됩니다",
    "dropTitle": "이미지를 열어 시작하세요",
    "dropText": "여기에 끌어다 놓거나, 붙여 넣거나, 파일을 고르세요.",
    "dropExamples": "예시로 시작해도 좋습니다:",
    "dropNow": "놓으면 이미지가 열립니다",
    "address": "이미지의 웹 주소",
    "addressOpen": "열기",
    "examples": "예시",
    "pictures": "열린 이미지",
    "turnTo": "{name}: 앞으로 가져오기",
    "closePicture": "{name} 닫기",
    "closeSure": "한 번 더 누르면 이 이미지와 그 영역, 대화가 닫힙니다.",
    "inFront": "{name} 이미지가 앞에 있습니다. 영역: {count}개.",
    "opening": "이미지를 여는 중…",
    "finding": "윤곽을 찾는 중…",
    "findingAll": "모든 윤곽을 찾는 중…",
    "fitting": "윤곽에 맞추는 중…",
    "captions": "설명 글",
    "captionsTip": "이름과 설명을 이미지의 빈자리에 표시합니다 (C)",
    "renameHint": "이름",
    "changed": "영역 {number}의 크기는 이제 이미지의 {percent}입니다.",
    "gone": "영역 {number} 삭제됨.",
    "cleared": "모든 영역을 지웠습니다.",
    "named": "영역 {number}의 이름: {name}.",
    "unnamed": "영역 {number}의 이름을 지웠습니다.",
    "hid": "영역 {number} 숨김.",
    "shown": "영역 {number} 표시됨.",
    "chosen": "영역 {number} 선택됨.",
    "boxBegun": "상자를 시작했습니다. 화살표 키로 그리고, Enter로 마치고, Escape로 취소합니다.",
    "strokeBegun": "획을 시작했습니다. 화살표 키로 칠하고, Enter로 마치고, Escape로 취소합니다.",
    "fit": "윤곽에 맞춤",
    "fitTip": (
        "끔: 그린 그대로가 마스크가 됩니다. 켬: 가장 잘 맞는 윤곽으로 바꿉니다. 실행 취소하면 그린 표시로 "
        "돌아옵니다 (F)"
    ),
    "segmentsFound": "윤곽을 {count}개 찾았습니다.",
    "nothingFound": "이 이미지에서는 눈에 띄는 것을 찾지 못했습니다. 클릭, 상자, 브러시로 표시하세요.",
    "noSegment": "여기에는 윤곽이 없습니다. 윤곽 안쪽을 클릭하거나 다른 도구를 쓰세요.",
    "hintPoint": "표시할 것을 클릭하세요.",
    "hintBox": "표시할 것 둘레로 상자를 그리세요.",
    "hintPolygon": "윤곽의 꼭짓점을 세 개 이상 클릭하세요. 첫 꼭짓점을 클릭하면 닫힙니다.",
    "hintCorners": "첫 꼭짓점이나 Enter로 닫습니다. Backspace는 마지막 꼭짓점을 지우고, Escape는 취소합니다.",
    "hintEverything": "윤곽을 클릭하면 영역이 됩니다. 같은 곳을 다시 클릭하면 더 큰 전체가 선택됩니다.",
    "hintBrush": "표시할 것을 칠하세요.",
    "hintAdd": "영역 {number}에 더할 부분을 클릭하거나 상자, 브러시로 표시하세요.",
    "hintRemove": "영역 {number}에서 뺄 부분을 클릭하거나 상자, 브러시로 표시하세요.",
    "hintRefine": "Shift 키나 오른쪽 버튼: 영역 {number}에서 빼기.",
    "hintMany": "질문에서 영역을 @1, @2…처럼 언급하세요.",
    "canvas": "이미지. 화살표 키로 십자 표시를 옮기고, Enter로 표시하고, Shift+Enter로 뺍니다.",
    "regions": "영역",
    "noRegions": "표시한 영역이 여기에 나타납니다.",
    "region": "영역 {number}, 이미지의 {percent}",
    "select": "영역 {number}에 대해 묻기",
    "mention": "질문에 영역 {number} 언급하기",
    "extent": "영역 {number}: 더 작은 부분 또는 더 큰 전체로",
    "delete": "영역 {number} 삭제",
    "more": "영역 {number} 더 보기",
    "rename": "이름 바꾸기…",
    "renamePrompt": "영역 {number}의 이름:",
    "show": "보이기",
    "hide": "숨기기",
    "grow": "1픽셀 넓히기",
    "shrink": "1픽셀 줄이기",
    "fill": "구멍 메우기",
    "largest": "가장 큰 조각만 남기기",
    "invert": "반전",
    "merge": "@{other} 영역과 합치기",
    "subtract": "@{other} 영역의 픽셀 빼기",
    "tooLarge": "파일이 {limit}MB보다 큽니다. 이미지를 줄여서 다시 시도하세요.",
    "camera": "카메라",
    "cameraTip": "카메라로 사진 찍기",
    "cameraPreview": "카메라 화면",
    "cameraTake": "찍기",
    "cameraCancel": "취소",
    "cameraRefused": "카메라를 쓸 수 없습니다. 브라우저에서 허용하거나 파일을 고르세요.",
    "cameraMissing": "카메라를 시작하지 못했습니다. 카메라를 연결하거나 파일을 고르세요.",
    "notPicture": "이미지 파일이 아닙니다. PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF를 쓰세요.",
    "uploadFailed": "이미지를 보내지 못했습니다. 연결을 확인하고 다시 시도하세요.",
    "marked": "영역 {number} 추가됨, 이미지의 {percent}.",
}

EXAMPLE_TITLES = {
    "Meadow": "초원",
    "Sea": "바다",
    "Street": "거리",
    "Fruit": "과일",
    "Band": "악단",
    "Savanna": "사바나",
    "Breakfast": "아침 식사",
    "Drawn village": "그려진 마을",
    "Birds": "새",
    "Sweets": "간식",
    "Pets": "반려동물",
    "Drawn toys": "그려진 장난감",
}

# --- everything, described -------------------------------------------------------------------------------------------
EVERYTHING = {
    "title": "이미지 속 모든 것",
    "describe": "모두 설명",
    "again": "다시 설명",
    "stop": "중지",
    "style": "설명 방식",
    "short": "짧게",
    "detailed": "자세히",
    "category": "분류",
    "progress": "{total}개 중 {done}개",
    "stopped": "{total}개 중 {done}개에서 중지됨",
    "filter": "찾기",
    "thing": "조각",
    "caption": "설명",
    "score": "윤곽",
    "scoreTip": "분할 모델이 이 윤곽을 얼마나 확신하는지",
    "area": "면적",
    "take": "이것에 대해 묻기: {text}",
    "none": "이 단어가 들어간 설명이 없습니다.",
}

# --- a closer look ---------------------------------------------------------------------------------------------------
CLOSER: dict[str, Any] = {
    "title": "자세히 살펴보기",
    "close": "닫기",
    "tabs": {
        "labels": "나의 라벨",
        "without": "영역 유무 비교",
        "samples": "여러 답변",
        "inside": "내부 보기",
        "models": "두 모델",
    },
    "intros": {
        "labels": (
            "모델 스스로는 각 라벨을 얼마나 그럴듯하게 볼까요? 모델이 쓰는 대로 적으세요: The Lion이 아니라 lion."
        ),
        "without": "같은 질문을 영역이 있을 때와 없을 때 묻습니다. 영역 없이도 그대로인 답은 추측입니다.",
        "samples": "한 질문에 여러 번 답합니다. 답마다 달라지는 부분은 모델이 확신하지 못하는 부분입니다.",
        "inside": (
            "인코더가 이미지의 어느 곳을 선택한 영역과 비슷하게 보는지, 세밀한 단계부터 거친 단계까지 보여 줍니다."
        ),
        "models": "같은 영역에 대한 같은 질문에 두 모델이 답합니다.",
    },
    "labels": "라벨, 한 줄에 하나씩 또는 쉼표로 구분",
    "labelsExample": "lion, giraffe, elephant",
    "which": "영역",
    "all": "모든 영역",
    "selected": "선택한 영역",
    "rank": "순위 기준",
    "sum": "라벨 전체",
    "mean": "토큰별",
    "rankTip": "토큰별: 긴 라벨에 더 공정하지만 차이가 작아집니다",
    "judge": "평가",
    "question": "질문",
    "questionTip": "비워 두면 대화의 마지막 질문이나 짧은 설명을 씁니다",
    "alone": "대화 없이 따로 묻습니다.",
    "count": "답변 수",
    "temperature": "온도",
    "ask": "답변 받기",
    "look": "내부 보기",
    "stop": "중지",
    "waiting": "모델을 기다리는 중…",
    "stopped": "중지됨.",
    "old": "그 뒤로 영역이 바뀌었습니다.",
    "gone": "영역이 없어졌습니다.",
    "unsure": "불확실",
    "closeCall": "다른 라벨과 차이가 작음",
    "offList": "모델은 목록에 없는 말을 더 하고 싶어 함",
    "onList": "이 중 하나를 말할 확률 {percent}",
    "moreLabels": "{count}개 더",
    "logTip": "로그 우도 {value}",
    "how": {
        "with": "영역 있음",
        "without": "영역 없음",
        "where": "위치만",
        "what": "내용만",
    },
    "howTips": {
        "with": "영역의 두 토큰 모두",
        "without": "마스크 토큰과 공간 토큰을 끔: 이미지 전체와 언어만",
        "where": "마스크 토큰은 끄고 공간 토큰은 켬",
        "what": "공간 토큰은 끄고 마스크 토큰은 켬",
    },
    "sample": "답변 {number}",
    "seed": "시드 {seed}",
    "same": "영역이 있을 때와 같음",
    "sameSample": "답변 {number} 내용과 같음",
    "agree": "답변 {count}개 중 서로 다른 답은 {different}개입니다.",
    "agreeAll": "답변 {count}개가 모두 같습니다.",
    "modelsAgree": "두 모델의 답이 같습니다.",
    "oneModel": "모델이 하나만 로드되었습니다. 둘을 비교하려면 다음 명령으로 시작하세요:",
    "oneModelCommand": "python app.py --compare-with MODEL",
    "tokens": "토큰 {count}개",
    "levels": {"res2": "가장 세밀", "res3": "세밀", "res4": "거침", "res5": "가장 거침"},
    "level": "단계 {level}, {look}: {width} × {height} 위치",
    "unseen": "이 단계에서는 영역이 너무 가늘어 모델이 전혀 보지 못합니다.",
    "map": "단계 {level}에서 영역 {number} 유사도",
    "scale": "색: 코사인 유사도, 단계마다 가장 낮은 값부터 가장 높은 값까지",
    "announced": "{title}: 완료.",
    "nothing": "(답변 없음)",
    "chip": "영역 {number}",
}

# --- chat ------------------------------------------------------------------------------------------------------------
CONVERSATION: dict[str, Any] = {
    "chat": "대화",
    "emptyTitle": "표시한 것에 대해 물어보세요",
    "emptySteps": (
        "이미지에서 무언가를 표시하세요.",
        "버튼을 누르거나 질문을 입력하세요.",
        "더 표시하고 영역을 언급해 보세요. @를 입력하면 고를 수 있습니다.",
    ),
    "yourQuestion": "내 질문",
    "answer": "답변",
    "chip": "영역 {number}",
    "chipGone": "영역 {number}, 지금은 없음",
    "copyQuestion": "질문 복사",
    "copyAnswer": "답변 복사",
    "copied": "복사했습니다.",
    "editQuestion": "질문을 고쳐 다시 묻기 (빈 입력란에서 ↑)",
    "editing": "다음 질문이 이 질문을 대신합니다.",
    "cancelEdit": "그대로 두기",
    "like": "좋은 답변",
    "dislike": "나쁜 답변",
    "stats": "답변 생성 정보",
    "down": "최신 답변으로",
    "pick": "언급할 영역",
    "pickMany": "고를 수 있는 영역 {count}개. 화살표 키와 Enter로 고르세요.",
    "region": "영역 {number}",
}
OWN_QUESTIONS = {
    "all": "나의 질문",
    "keep": "버튼으로 저장",
    "keepTip": "입력란의 질문을 이 브라우저에 나만의 버튼으로 저장합니다",
    "forget": "“{text}” 버튼 삭제",
}
QUESTION = "질문"
QUESTION_PLACEHOLDER = "선택한 영역에 대해 묻거나 다른 영역을 언급하세요: @1, @2…"
SEND = "묻기"
STOP = "중지"
RETRY = "다시 시도"
UNDO_TURN = "되돌리기"
CLEAR_CHAT = "대화 지우기"
PRESETS = {
    "short": "짧은 설명",
    "detailed": "자세한 설명",
    "category": "분류",
    "around": "주변에 뭐가 있나요?",
    "relation": "어떤 관계인가요?",
    "compare": "모두 비교",
}
ABOUT_NONE = "이미지에서 무언가를 표시하면 물어볼 수 있습니다."
ABOUT_SELECTED = "질문 대상:"
ABOUT_SUGGESTIONS = "이렇게 물어보세요:"
WAITING_FOR_MODEL = "모델을 불러오는 중입니다. 곧 이 질문에 답합니다…"
WAITING_IN_QUEUE = "모델을 기다리는 중…"
LOOKING = "살펴보는 중…"
STOPPED = "중지됨"
CUT_OFF = "토큰 한도에서 잘림"
NO_ANSWER = "(답변 없음)"
TRIMMED_ONE = "대화가 길어서 질문이 들어가도록 가장 오래된 질문과 답변을 하나 뺐습니다."
TRIMMED_MANY = "대화가 길어서 질문이 들어가도록 가장 오래된 질문과 답변을 {count}개 뺐습니다."

SETTINGS = "설정"
TEMPERATURE = "온도"
TEMPERATURE_INFO = "0: 항상 가장 가능성 높은 단어"
TOP_P = "Top-p"
TOP_P_INFO = "고를 수 있는 단어의 누적 확률"
MAX_NEW_TOKENS = "답변 최대 길이(토큰)"
SEED = "시드"
SEED_INFO = "비워 두면 매번 다름"

STATS_MODEL = "모델"
STATS_TOKENS = "토큰"
STATS_TOKENS_OF = "쓴 토큰 {new_tokens}개, 읽은 토큰 {prompt_tokens}개"
STATS_FIRST = "첫 토큰"
STATS_FIRST_AFTER = "{seconds:.2f}초 후"
STATS_RATE = "속도"
STATS_RATE_OF = "초당 {rate:.1f}토큰"

# --- help ------------------------------------------------------------------------------------------------------------
HELP_BUTTON = "도움말"
HELP = {"title": "사용 방법", "close": "도움말 닫기 (Escape)"}
HELP_STEPS = (
    "이미지를 열고 그 안의 사물을 표시하세요: 클릭, 상자, 다각형, 브러시, 또는 전체 윤곽 찾기.",
    "그것에 대해 묻거나 버튼을 누르세요. 영역을 언급하지 않은 질문은 선택한 영역에 대한 것입니다.",
    "영역은 @와 번호로 얼마든지 언급할 수 있습니다. 대화 속 번호를 클릭하면 그 영역이 선택됩니다.",
)
HELP_KEYS = (
    (
        "이미지",
        (
            ("P B O R E", "클릭, 상자, 다각형, 브러시, 전체"),
            ("N + −", "새 영역, 선택한 영역에 추가, 선택한 영역에서 빼기"),
            ("Shift", "누른 채 표시하면 빼기"),
            ("[ ]", "브러시 작게, 크게"),
            ("F", "브러시와 다각형: 윤곽에 맞추거나 그린 그대로 두기"),
            ("← ↑ → ↓", "이미지 위 십자 표시 옮기기. Shift와 함께 누르면 1픽셀씩"),
            ("Enter", "십자 표시 자리에 표시, 상자·획의 시작과 끝, 다각형 닫기"),
            ("F2", "목록에서 포커스가 있는 영역의 이름 바꾸기"),
            ("C", "이미지 위 설명 글 켜기, 끄기"),
            ("Delete", "선택한 영역 삭제"),
            ("Ctrl+Z", "마지막 영역 변경 취소"),
            ("Ctrl+V", "클립보드의 이미지 또는 그 주소의 이미지 열기"),
            ("PageUp PageDown", "열린 이미지 중 이전 것, 다음 것"),
        ),
    ),
    (
        "질문",
        (
            ("@", "언급할 영역 고르기"),
            ("Enter", "묻기"),
            ("Shift+Enter", "줄 바꿈"),
            ("↑", "빈 입력란에서: 마지막 질문 고치기"),
            ("Escape", "마지막 질문 그대로 두기"),
        ),
    ),
    ("페이지", (("?", "이 도움말"), ("Tab", "다음 버튼, 영역, 언급으로"))),
)

# --- sentences for what went wrong -----------------------------------------------------------------------------------
NO_PICTURE = "아직 이미지가 없습니다. 이미지를 열거나 예시를 고르세요."
NO_REGION = "아직 표시한 것이 없습니다. 이미지에서 무언가를 클릭하거나, 상자를 그리거나, 브러시로 칠하세요."
ONE_REGION = "표시한 영역이 하나뿐입니다. 둘을 함께 물으려면 하나 더 표시하세요."
NO_QUESTION = "질문이 비어 있습니다. 질문을 입력하거나 버튼을 누르세요."
LONG_QUESTION = "질문이 {limit}자를 넘습니다. 줄여 주세요."
BUSY = "아직 답변을 쓰는 중입니다. 기다리거나 먼저 중지하세요."
UNKNOWN_REGION = "@{number} 영역이 없습니다. 표시된 영역: {numbers}."
NOTHING_TO_RETRY = "다시 시도할 질문이 없습니다. 먼저 질문하세요."
NOTHING_TO_TAKE_BACK = "되돌릴 질문이 없습니다. 먼저 질문하세요."
NOTHING_TO_REMOVE_FROM = "뺄 수 있는 영역이 없습니다. 먼저 무언가를 표시하세요."
NOTHING_LEFT = "그러면 영역에 남는 것이 없습니다. 영역을 삭제하거나 실행을 취소하세요."
SAME_REGION = "같은 영역입니다. 다른 영역을 고르세요."
MANY_MASKS = "파일에 마스크가 {count}개 있어 표시할 수 있는 {limit}개를 넘습니다. 파일을 나누세요."
LONG_NAME = "이름은 {limit}자까지 쓸 수 있습니다. 줄여 주세요."
BUSY_DESCRIBING = "이미 모두 설명하는 중입니다. 기다리거나 먼저 중지하세요."
ALL_HIDDEN = "모든 영역이 숨겨져 있습니다. 하나를 보이게 하거나 선택한 영역을 고르세요."
UNKNOWN_CHOICE = "그런 선택지는 없습니다. 제시된 것 중에서 고르세요."
FEW_LABELS = "서로 다른 라벨을 두 개 이상, 한 줄에 하나씩 또는 쉼표로 구분해 입력하세요."
LONG_LIST = "라벨 목록이 {limit}자를 넘습니다. 줄여 주세요."
BAD_COUNT = "답변은 2개에서 {limit}개까지 받을 수 있는데 {value}입니다."
COLD_SAMPLES = "온도가 0이면 모든 답변이 같습니다. 온도를 높이세요."
ONE_MODEL = "모델이 하나만 로드되었습니다. --compare-with와 다른 모델의 이름을 주고 프로그램을 시작하세요."
NOTHING_STANDS_OUT = "이 이미지에서는 눈에 띄는 것을 찾지 못했습니다. 클릭, 상자, 브러시로 표시하세요."
ONE_EXTENT = "이 영역은 다른 범위가 없습니다. 추가와 빼기로 다듬으세요."
NOT_REFINED = "이 표시에 맞는 윤곽이 없어 그린 그대로 두었습니다. 맞추려면 사물을 더 넓게 그리세요."
NOTHING_FOUND = "그곳에서는 윤곽을 찾지 못했습니다. 다른 곳을 클릭하거나 브러시로 칠하세요."
POLYGON_TOO_THIN = "그 윤곽 안에는 픽셀이 없습니다. 꼭짓점을 더 멀리 두세요."
OUTSIDE = "이미지 바깥입니다. 이미지 안쪽에 표시하세요."
BOX_TOO_SMALL = "상자가 너무 작습니다. 사물 전체를 감싸도록 그리세요."
BAD_GESTURE = "표시를 알아볼 수 없습니다. 다시 그려 주세요."
SEGMENTER_LOADING = "분할 모델을 불러오는 중입니다. 그동안 브러시로 칠하거나 잠시 후 다시 시도하세요."
UNKNOWN_EXAMPLE = "그런 예시 이미지가 없습니다. 목록에서 고르세요."
NO_ADDRESSES = "여기서는 주소를 열지 않습니다. 이미지를 저장한 뒤 파일을 열어 주세요."
MANY_PICTURES = "이미지가 {limit}개 열려 있습니다. 먼저 하나를 닫으세요."
PICTURE_CLOSED = "이 이미지는 이제 열려 있지 않습니다. 다시 열어 주세요."
PICTURE_GONE = "이용자가 많아 이미지를 더 이상 보관하지 않습니다. 이미지를 다시 열어 주세요."
SESSION_MISSING = "open_picture가 돌려준 session을 지정하세요."
SESSION_GONE = "이 세션은 더 이상 보관되지 않습니다. 이미지를 다시 열고 그때 받은 세션을 사용하세요."
UPLOAD_MISSING = "이미지가 온전히 도착하지 않았습니다. 다시 보내 주세요."
TOO_LARGE = "파일이 {limit}MB보다 큽니다. 이미지를 줄여서 다시 시도하세요."
OUT_OF_MEMORY = (
    "메모리가 부족합니다. 더 작은 --dtype(float16), 다른 --device, 또는 더 작은 모델로 프로그램을 시작하세요."
)
OUT_OF_MEMORY_LOADING = (
    "{name} 로드에 메모리가 부족합니다. 더 작은 --dtype(float16), 다른 --device, "
    "또는 더 작은 모델로 프로그램을 시작하세요."
)
UNEXPECTED = "저희 쪽에서 문제가 생겼습니다. 잃은 것은 없으니 다시 시도해 주세요."
BAD_SETTINGS = "설정값은 숫자여야 합니다. ‘설정’에서 고치세요."

# --- sentences of the core, by their English -------------------------------------------------------------------------
CORE: dict[str, str] = {
    "This file is empty; choose another file.": ("파일이 비어 있습니다. 다른 파일을 고르세요."),
    "This file is too large; shrink it and try again.": ("파일이 너무 큽니다. 줄여서 다시 시도하세요."),
    "This file is not a picture that can be read; use PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF.": (
        "읽을 수 있는 이미지가 아닙니다. PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF를 쓰세요."
    ),
    "This file is damaged or cut off and cannot be shown; save or download it again.": (
        "파일이 손상되었거나 잘려서 표시할 수 없습니다. 다시 저장하거나 내려받으세요."
    ),
    "This file has no pixels ({width} x {height}); choose another one.": (
        "파일에 픽셀이 없습니다({width} x {height}). 다른 파일을 고르세요."
    ),
    "This file is {width} x {height} pixels ({size} megapixels), but at most {limit} megapixels can be "
    "opened; shrink it and try again.": (
        "이미지가 {width} x {height}픽셀({size}메가픽셀)인데, 최대 {limit}메가픽셀까지 열 수 있습니다. 줄여서 "
        "다시 시도하세요."
    ),
    "This file uses colours of the kind {mode}, which cannot be read; save it as RGB.": (
        "읽을 수 없는 색 형식({mode})입니다. RGB로 저장하세요."
    ),
    "The mask file is empty; choose another file.": ("마스크 파일이 비어 있습니다. 다른 파일을 고르세요."),
    "The mask file is no picture or JSON that can be read; use PNG, COCO or labelme.": (
        "마스크 파일이 읽을 수 있는 이미지나 JSON이 아닙니다. PNG, COCO, labelme를 쓰세요."
    ),
    "The mask file is black all over; the region must be white or opaque.": (
        "마스크 파일이 온통 검은색입니다. 영역은 흰색이거나 불투명해야 합니다."
    ),
    "This labelme file has no shape with an area; draw polygons, rectangles, circles or masks.": (
        "labelme 파일에 면적이 있는 도형이 없습니다. 다각형, 사각형, 원, 마스크를 그리세요."
    ),
    "This JSON holds no masks; use COCO (run lengths or polygons) or labelme.": (
        "JSON에 마스크가 없습니다. COCO(RLE 또는 다각형)나 labelme를 쓰세요."
    ),
    "The mask file is for a picture of {width} x {height} pixels, but this one is {other_width} x "
    "{other_height}; a mask must be exactly as large as its picture.": (
        "마스크 파일은 {width} x {height}픽셀 이미지용인데 이 이미지는 {other_width} x {other_height}픽셀입니다. "
        "마스크는 이미지와 크기가 같아야 "
        "합니다."
    ),
    "The mask is {width} x {height} pixels, but the picture is {other_width} x {other_height}; a mask "
    "must be exactly as large as its picture.": (
        "마스크는 {width} x {height}픽셀인데 이미지는 {other_width} x {other_height}픽셀입니다. 마스크는 "
        "이미지와 크기가 같아야 합니다."
    ),
    "The mask file holds {count} masks; at most {limit} can be read.": (
        "마스크 파일에 마스크가 {count}개 있는데 최대 {limit}개까지 읽을 수 있습니다."
    ),
    "The mask file holds {count} shapes; at most {limit} can be read.": (
        "마스크 파일에 도형이 {count}개 있는데 최대 {limit}개까지 읽을 수 있습니다."
    ),
    "The COCO file is about {count} pictures and “{name}” is not exactly one of them; name the picture's "
    "file as the COCO file does.": (
        "COCO 파일의 이미지 {count}개 중 “{name}” 이름과 맞는 이미지를 하나로 정할 수 없습니다. 이미지 파일 "
        "이름을 COCO 파일과 같게 하세요."
    ),
    "Mask {place} of the mask file cannot be used: {reason}": (
        "마스크 파일의 {place}번째 마스크를 쓸 수 없습니다: {reason}"
    ),
    "Shape {place} of the mask file cannot be used: {reason}": (
        "마스크 파일의 {place}번째 도형을 쓸 수 없습니다: {reason}"
    ),
    "it has neither run lengths nor polygons.": ("RLE도 다각형도 없습니다."),
    "it covers no pixel of the picture.": ("이미지의 픽셀을 하나도 덮지 않습니다."),
    "it has too many corners.": ("꼭짓점이 너무 많습니다."),
    "its mask is damaged or larger than the picture.": ("마스크가 손상되었거나 이미지보다 큽니다."),
    "its mask lies outside the picture.": ("마스크가 이미지 바깥에 있습니다."),
    "The mask is empty; mark at least one pixel of the region.": (
        "마스크가 비어 있습니다. 영역의 픽셀을 하나 이상 표시하세요."
    ),
    "This stroke is too long for so wide a brush; paint it in several strokes.": (
        "이렇게 굵은 브러시로는 획이 너무 깁니다. 여러 번에 나눠 칠하세요."
    ),
    "This zip file lacks the picture that the conversation is about.": ("zip 파일에 대화의 이미지가 없습니다."),
    "This zip file holds no {name}, so it is no exported conversation.": (
        "zip 파일에 {name} 파일이 없으므로 내보낸 대화가 아닙니다."
    ),
    "This zip file is larger than {limit} MB and is not read.": ("zip 파일이 {limit}MB보다 커서 읽지 않습니다."),
    "This zip file has more than {limit} entries and is not read.": (
        "zip 파일의 항목이 {limit}개를 넘어 읽지 않습니다."
    ),
    "This JSON is no conversation that was exported here; choose the exported zip or JSON file.": (
        "여기서 내보낸 대화가 아닌 JSON입니다. 내보낸 zip이나 JSON 파일을 고르세요."
    ),
    "This record is damaged ({reason}); export the conversation again.": (
        "기록이 손상되었습니다({reason}). 대화를 다시 내보내세요."
    ),
    "The list of labels is empty or has an empty label; type at least one word for each.": (
        "라벨 목록이 비어 있거나 빈 라벨이 있습니다. 라벨마다 단어를 하나 이상 입력하세요."
    ),
    "At most {limit} labels can be scored at once, not {count}.": (
        "라벨은 한 번에 최대 {limit}개까지 평가할 수 있는데 {count}개입니다."
    ),
    "The label “{label}” is on the list twice; remove one.": (
        "라벨 “{label}” 항목이 목록에 두 번 있습니다. 하나를 지우세요."
    ),
    "This zip file is damaged or of an unusual kind; export the conversation again.": (
        "zip 파일이 손상되었거나 알 수 없는 형식입니다. 대화를 다시 내보내세요."
    ),
    "This JSON file has too many parts to be read; choose another file.": (
        "JSON 파일의 내용이 너무 많아 읽을 수 없습니다. 다른 파일을 고르세요."
    ),
    "This file is no JSON that can be read; choose another file.": (
        "읽을 수 있는 JSON이 아닙니다. 다른 파일을 고르세요."
    ),
    "That is no address of a picture; one begins with http:// or https://.": (
        "이미지 주소가 아닙니다. 주소는 http:// 또는 https://로 시작합니다."
    ),
    "An address with a user name or a password in it is not opened; use a public one.": (
        "사용자 이름이나 암호가 든 주소는 열지 않습니다. 공개된 주소를 쓰세요."
    ),
    "This address leads from one to the next without end; use that of the picture itself.": (
        "이 주소는 끝없이 다른 주소로 이어집니다. 이미지 자체의 주소를 쓰세요."
    ),
    "The picture did not arrive within {seconds} seconds; save it and open the file.": (
        "이미지가 {seconds}초 안에 도착하지 않았습니다. 저장한 뒤 파일을 열어 주세요."
    ),
    "{host} does not answer as it should; check the address.": (
        "{host}이(가) 제대로 응답하지 않습니다. 주소를 확인하세요."
    ),
    "{host} answers {status} instead of a picture; check the address.": (
        "{host}이(가) 이미지 대신 {status}(으)로 응답합니다. 주소를 확인하세요."
    ),
    "What is at this address is larger than {limit} MB; use a smaller picture.": (
        "이 주소에 있는 것은 {limit} MB보다 큽니다. 더 작은 이미지를 쓰세요."
    ),
    "{host} is not in the public internet; save the picture and open the file.": (
        "{host}은(는) 공개 인터넷에 있지 않습니다. 이미지를 저장한 뒤 파일을 열어 주세요."
    ),
}
