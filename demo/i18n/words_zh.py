"""The words of `words.py` in Simplified Chinese. What is missing here, the page says in English."""

from __future__ import annotations

from typing import Any

# --- header ----------------------------------------------------------------------------------------------------------
LANGUAGE = "语言"
TAGLINE = "标记图片的任意部分，然后就这些像素提问。"
STATUS_LOADING = "正在加载 {name}…"
STATUS_FAILED = "{name} 不可用。"
STATUS_MODEL = "模型"
STATUS_SECOND = "第二个模型"
STATUS_SEGMENTER = "分割模型"
NOTE_EMBEDDED = (
    "内置小模型：它用绘制的场景（类似表情符号的事物）训练，没有见过真实照片。"
    "可以问它这是什么、什么颜色、在哪里，或两个事物之间的关系。"
)
NOTE_MORE = "用于真实照片…"
NOTE_FULL_MODEL = "真实照片需要完整的 7B 模型和 GPU。请这样启动程序："
LOADING_FAILED = "无法加载 {name}，原因见程序日志。"

# --- canvas ----------------------------------------------------------------------------------------------------------
CANVAS = {
    "tools": "标记工具",
    "point": "点选",
    "box": "框选",
    "polygon": "多边形",
    "brush": "画笔",
    "pointTip": "点击一个事物，自动找出它的轮廓 (P)",
    "boxTip": "拖动鼠标框住一个事物 (B)",
    "polygonTip": "依次点击各个顶点；点击第一个顶点、双击或按 Enter 闭合 (O)",
    "everything": "全部",
    "everythingTip": "勾出所有显眼的事物，点击想要的即可 (E)",
    "brushTip": "自己涂出像素 (R)",
    "actions": "标记方式",
    "new": "新建",
    "add": "添加",
    "remove": "减去",
    "newTip": "每次标记都新建一个区域 (N)",
    "addTip": "把标记的部分加到选中的区域 (+)",
    "removeTip": "从选中的区域减去标记的部分 (−)；随时可按住 Shift 或用右键来减去",
    "size": "画笔大小",
    "undo": "撤销",
    "undoTip": "撤销上一次区域更改 (Ctrl+Z)",
    "clear": "清空",
    "clearTip": "删除所有区域",
    "save": "保存",
    "saveTip": "把图片、区域和对话保存为 zip（含掩码、COCO JSON、Markdown），再次打开即可继续",
    "choose": "打开图片",
    "chooseMask": "掩码文件",
    "chooseMaskTip": "从文件读取区域：黑白或透明图片、COCO JSON 或 labelme JSON",
    "chooseTip": "打开另一张图片或保存的 zip；也可以拖放或粘贴到页面任意位置",
    "dropTitle": "打开一张图片开始",
    "dropText": "拖放到这里、粘贴，或选择文件。",
    "dropExamples": "或者从示例开始：",
    "dropNow": "松开即可打开图片",
    "address": "图片的网址",
    "addressOpen": "打开",
    "examples": "示例",
    "pictures": "已打开的图片",
    "turnTo": "{name}：切换到这张图片",
    "closePicture": "关闭 {name}",
    "closeSure": "再点一次，将关闭这张图片及其区域和对话。",
    "inFront": "当前图片为 {name}，区域数：{count}。",
    "opening": "正在打开图片…",
    "finding": "正在查找轮廓…",
    "findingAll": "正在查找所有轮廓…",
    "fitting": "正在贴合轮廓…",
    "captions": "文字说明",
    "captionsTip": "在图片上有空位的地方显示名称和描述 (C)",
    "renameHint": "名称",
    "changed": "区域 {number} 现在占图片的 {percent}。",
    "gone": "已删除区域 {number}。",
    "cleared": "已删除所有区域。",
    "named": "区域 {number} 的名称为 {name}。",
    "unnamed": "区域 {number} 不再有名称。",
    "hid": "已隐藏区域 {number}。",
    "shown": "已显示区域 {number}。",
    "chosen": "已选中区域 {number}。",
    "boxBegun": "已开始画框；用方向键拉框，Enter 完成，Escape 放弃。",
    "strokeBegun": "已开始涂抹；用方向键涂抹，Enter 完成，Escape 放弃。",
    "fit": "贴合轮廓",
    "fitTip": "关：所画即掩码，逐像素一致。开：换成最贴合的轮廓；撤销可恢复所画的标记 (F)",
    "segmentsFound": "找到 {count} 个轮廓。",
    "nothingFound": "这张图片里没有显眼的事物，请用点选、框选或画笔标记。",
    "noSegment": "这里没有轮廓，请点击轮廓内部，或换一个工具。",
    "hintPoint": "点击任意事物来标记它。",
    "hintBox": "拖动鼠标框住要标记的事物。",
    "hintPolygon": "依次点击轮廓的顶点，至少三个；点击第一个顶点闭合。",
    "hintCorners": "点击第一个顶点或按 Enter 闭合；Backspace 撤回上一个顶点，Escape 放弃。",
    "hintEverything": "点击轮廓，将其作为区域；在同一处再次点击，选择更大的整体。",
    "hintBrush": "涂抹要标记的事物。",
    "hintAdd": "点选、框选或涂抹还属于区域 {number} 的部分。",
    "hintRemove": "点选、框选或涂抹不属于区域 {number} 的部分。",
    "hintRefine": "Shift 或右键：从区域 {number} 中减去。",
    "hintMany": "在问题中用 @1、@2 … 提及区域。",
    "canvas": "图片。方向键移动十字光标，Enter 标记，Shift+Enter 减去。",
    "regions": "区域",
    "noRegions": "标记的区域会列在这里。",
    "region": "区域 {number}，占图片的 {percent}",
    "select": "就区域 {number} 提问",
    "mention": "在问题中提及区域 {number}",
    "extent": "区域 {number}：更小的部分或更大的整体",
    "delete": "删除区域 {number}",
    "more": "区域 {number} 的更多操作",
    "rename": "重命名…",
    "renamePrompt": "区域 {number} 的名称：",
    "show": "显示",
    "hide": "隐藏",
    "grow": "扩大一个像素",
    "shrink": "缩小一个像素",
    "fill": "填充孔洞",
    "largest": "只保留最大的一块",
    "invert": "反选",
    "merge": "与 @{other} 合并",
    "subtract": "减去 @{other} 的像素",
    "tooLarge": "文件大于 {limit} MB，请缩小图片后重试。",
    "camera": "相机",
    "cameraTip": "用相机拍照",
    "cameraPreview": "相机画面",
    "cameraTake": "拍照",
    "cameraCancel": "取消",
    "cameraRefused": "无法使用相机，请在浏览器中允许，或选择文件。",
    "cameraMissing": "相机无法启动，请连接相机，或选择文件。",
    "notPicture": "这不是图片，请使用 PNG、JPEG、WebP、GIF、BMP、TIFF 或 AVIF。",
    "uploadFailed": "图片发送失败，请检查网络连接后重试。",
    "marked": "已添加区域 {number}，占图片的 {percent}。",
}

EXAMPLE_TITLES = {
    "Meadow": "草地",
    "Sea": "海洋",
    "Street": "街道",
    "Fruit": "水果",
    "Band": "乐队",
    "Savanna": "稀树草原",
    "Breakfast": "早餐",
    "Drawn village": "手绘村庄",
    "Birds": "鸟",
    "Sweets": "甜点",
    "Pets": "宠物",
    "Drawn toys": "手绘玩具",
}

# --- everything, described -------------------------------------------------------------------------------------------
EVERYTHING = {
    "title": "图片中的全部事物",
    "describe": "全部描述",
    "again": "重新描述",
    "stop": "停止",
    "style": "描述方式",
    "short": "简短",
    "detailed": "详细",
    "category": "类别",
    "progress": "{done} / {total}",
    "stopped": "已停止，完成 {done} / {total}",
    "filter": "筛选",
    "thing": "片段",
    "caption": "描述",
    "score": "轮廓",
    "scoreTip": "分割模型对这个轮廓的把握程度",
    "area": "面积",
    "take": "就此提问：{text}",
    "none": "没有描述包含这些词。",
}

# --- a closer look ---------------------------------------------------------------------------------------------------
CLOSER: dict[str, Any] = {
    "title": "深入查看",
    "close": "关闭",
    "tabs": {
        "labels": "自定标签",
        "without": "有无区域对比",
        "samples": "多次回答",
        "inside": "内部",
        "models": "两个模型",
    },
    "intros": {
        "labels": "在模型自己看来，你的每个标签有多大可能？请按模型的写法：写 lion，不写 The Lion。",
        "without": "同一个问题，分别在有区域和没有区域时提问。没有区域也不变的内容就是猜测。",
        "samples": "同一个问题回答多次：每次不同的地方，就是模型没有把握的地方。",
        "inside": "编码器认为图片的哪些地方与选中的区域相似，逐级查看，从细到粗。",
        "models": "就同一个区域问同一个问题，由两个模型回答。",
    },
    "labels": "标签，每行一个或用逗号分隔",
    "labelsExample": "lion, giraffe, elephant",
    "which": "区域",
    "all": "所有区域",
    "selected": "选中的区域",
    "rank": "排序依据",
    "sum": "整个标签",
    "mean": "每个 token",
    "rankTip": "每个 token：对长标签更公平，但差距更小",
    "judge": "评分",
    "question": "问题",
    "questionTip": "留空则用对话中的上一个问题，或简短描述",
    "alone": "单独提问，不带对话。",
    "count": "回答数",
    "temperature": "温度",
    "ask": "回答",
    "look": "查看内部",
    "stop": "停止",
    "waiting": "正在等待模型…",
    "stopped": "已停止。",
    "old": "此后区域已更改。",
    "gone": "区域已不存在。",
    "unsure": "没有把握",
    "closeCall": "其他标签很接近",
    "offList": "模型更想说列表之外的内容",
    "onList": "说出其中之一的概率为 {percent}",
    "moreLabels": "还有 {count} 个",
    "logTip": "对数似然 {value}",
    "how": {
        "with": "有区域",
        "without": "没有区域",
        "where": "只有位置",
        "what": "只有内容",
    },
    "howTips": {
        "with": "区域的两个 token 都在",
        "without": "关闭掩码 token 和空间 token：只剩整张图片和语言",
        "where": "关闭掩码 token，保留空间 token",
        "what": "关闭空间 token，保留掩码 token",
    },
    "sample": "回答 {number}",
    "seed": "种子 {seed}",
    "same": "与有区域时相同",
    "sameSample": "与回答 {number} 相同",
    "agree": "{count} 个回答中有 {different} 个不同。",
    "agreeAll": "{count} 个回答全部相同。",
    "modelsAgree": "两个模型的回答相同。",
    "oneModel": "只加载了一个模型。要比较两个，请这样启动程序：",
    "oneModelCommand": "python app.py --compare-with MODEL",
    "tokens": "{count} 个 token",
    "levels": {"res2": "最细", "res3": "细", "res4": "粗", "res5": "最粗"},
    "level": "级别 {level}，{look}：{width} × {height} 个位置",
    "unseen": "对这一级来说区域太细：模型在这里完全看不到它。",
    "map": "级别 {level} 上与区域 {number} 的相似度",
    "scale": "颜色：余弦相似度，每一级从最低到最高",
    "announced": "{title}：完成。",
    "nothing": "（没有回答）",
    "chip": "区域 {number}",
}

# --- chat ------------------------------------------------------------------------------------------------------------
CONVERSATION: dict[str, Any] = {
    "chat": "对话",
    "emptyTitle": "就标记的内容提问",
    "emptySteps": (
        "在图片中标记一些内容。",
        "按一个按钮，或输入问题。",
        "标记更多并提及区域：输入 @ 进行选择。",
    ),
    "yourQuestion": "你的问题",
    "answer": "回答",
    "chip": "区域 {number}",
    "chipGone": "区域 {number}，已不存在",
    "copyQuestion": "复制问题",
    "copyAnswer": "复制回答",
    "copied": "已复制。",
    "editQuestion": "修改这个问题并重新提问（在空输入框中按 ↑）",
    "editing": "你的下一个问题将替换这个问题。",
    "cancelEdit": "保留原问题",
    "like": "回答得好",
    "dislike": "回答得不好",
    "stats": "回答的生成信息",
    "down": "转到最新回答",
    "pick": "可提及的区域",
    "pickMany": "有 {count} 个区域可选；用方向键和 Enter 选择。",
    "region": "区域 {number}",
}
OWN_QUESTIONS = {
    "all": "我的问题",
    "keep": "存为按钮",
    "keepTip": "把输入框中的问题存为自己的按钮，保存在此浏览器中",
    "forget": "删除按钮“{text}”",
}
QUESTION = "问题"
QUESTION_PLACEHOLDER = "就选中的区域提问，或提及其他区域：@1、@2 …"
SEND = "提问"
STOP = "停止"
RETRY = "重试"
UNDO_TURN = "撤回"
CLEAR_CHAT = "清空对话"
PRESETS = {
    "short": "简短描述",
    "detailed": "详细描述",
    "category": "类别",
    "around": "周围有什么？",
    "relation": "它们是什么关系？",
    "compare": "全部比较",
}
ABOUT_NONE = "在图片中标记一些内容，即可提问。"
ABOUT_SELECTED = "提问对象："
ABOUT_SUGGESTIONS = "试试："
WAITING_FOR_MODEL = "模型还在加载，接下来就回答你的问题…"
WAITING_IN_QUEUE = "正在等待模型…"
LOOKING = "正在查看…"
STOPPED = "已停止"
CUT_OFF = "因达到 token 上限而截断"
NO_ANSWER = "（没有回答）"
TRIMMED_ONE = "对话较长：为了容纳你的问题，省略了最早的一轮。"
TRIMMED_MANY = "对话较长：为了容纳你的问题，省略了最早的 {count} 轮。"

SETTINGS = "设置"
TEMPERATURE = "温度"
TEMPERATURE_INFO = "0：总是选最可能的词"
TOP_P = "Top-p"
TOP_P_INFO = "候选词的累计概率"
MAX_NEW_TOKENS = "回答的最大长度（token）"
SEED = "随机种子"
SEED_INFO = "留空则每次不同"

STATS_MODEL = "模型"
STATS_TOKENS = "Token"
STATS_TOKENS_OF = "写入 {new_tokens}，读取 {prompt_tokens}"
STATS_FIRST = "首个 token"
STATS_FIRST_AFTER = "{seconds:.2f} 秒后"
STATS_RATE = "速度"
STATS_RATE_OF = "每秒 {rate:.1f} 个 token"

# --- help ------------------------------------------------------------------------------------------------------------
HELP_BUTTON = "帮助"
HELP = {"title": "使用方法", "close": "关闭帮助 (Escape)"}
HELP_STEPS = (
    "打开一张图片，标记其中的事物：点选、框选、多边形、画笔，或勾出全部轮廓。",
    "就它提问，或按一个按钮。没有提及区域的问题针对选中的区域。",
    "用 @ 加编号提及区域，数量不限。点击对话中的编号可选中对应的区域。",
)
HELP_KEYS = (
    (
        "图片",
        (
            ("P B O R E", "点选、框选、多边形、画笔、全部"),
            ("N + −", "新建区域、添加到选中的区域、从中减去"),
            ("Shift", "标记时按住：减去"),
            ("[ ]", "画笔变小、变大"),
            ("F", "画笔和多边形：贴合轮廓，或保持所画的原样"),
            ("← ↑ → ↓", "移动图片上的十字光标；按住 Shift 每次一个像素"),
            ("Enter", "在十字光标处标记、开始和结束画框或涂抹、闭合多边形"),
            ("F2", "重命名列表中获得焦点的区域"),
            ("C", "显示或隐藏图片上的文字说明"),
            ("Delete", "删除选中的区域"),
            ("Ctrl+Z", "撤销上一次区域更改"),
            ("Ctrl+V", "打开剪贴板中的图片，或其中网址的图片"),
            ("PageUp PageDown", "已打开图片中的上一张、下一张"),
        ),
    ),
    (
        "问题",
        (
            ("@", "选择要提及的区域"),
            ("Enter", "提问"),
            ("Shift+Enter", "换行"),
            ("↑", "在空输入框中：修改上一个问题"),
            ("Escape", "保留上一个问题"),
        ),
    ),
    ("页面", (("?", "本帮助"), ("Tab", "转到下一个按钮、区域或提及"))),
)

# --- sentences for what went wrong -----------------------------------------------------------------------------------
NO_PICTURE = "还没有图片，请打开一张或选择示例。"
NO_REGION = "还没有标记任何内容，请在图片上点击、框选或用画笔涂抹。"
ONE_REGION = "只标记了一个区域，请再标记一个，才能就两者提问。"
NO_QUESTION = "问题是空的，请输入问题或按一个按钮。"
LONG_QUESTION = "问题超过 {limit} 个字符，请缩短。"
BUSY = "回答还在生成，请等待或先停止。"
UNKNOWN_REGION = "没有区域 @{number}；已标记的有 {numbers}。"
NOTHING_TO_RETRY = "没有可以重试的问题，请先提问。"
NOTHING_TO_TAKE_BACK = "没有可以撤回的问题，请先提问。"
NOTHING_TO_REMOVE_FROM = "没有可以减去的区域，请先标记一些内容。"
NOTHING_LEFT = "这样区域就什么也不剩了，请直接删除它，或撤销。"
SAME_REGION = "这是同一个区域，请选择另一个。"
MANY_MASKS = "文件中有 {count} 个掩码，超过可显示的 {limit} 个，请拆分文件。"
LONG_NAME = "名称最多 {limit} 个字符，请缩短。"
BUSY_DESCRIBING = "正在描述全部事物，请等待或先停止。"
ALL_HIDDEN = "所有区域都已隐藏，请显示一个，或改选“选中的区域”。"
UNKNOWN_CHOICE = "没有这个选项，请从提供的选项中选择。"
FEW_LABELS = "请至少输入两个不同的标签，每行一个或用逗号分隔。"
LONG_LIST = "标签列表超过 {limit} 个字符，请缩短。"
BAD_COUNT = "回答数可以是 2 到 {limit} 个，不能是 {value}。"
COLD_SAMPLES = "温度为 0 时所有回答都相同，请调高温度。"
ONE_MODEL = "只加载了一个模型，请用 --compare-with 加另一个模型的名称启动程序。"
NOTHING_STANDS_OUT = "这张图片里没有显眼的事物，请用点选、框选或画笔标记。"
ONE_EXTENT = "这个区域没有其他范围，请用“添加”和“减去”来调整。"
NOT_REFINED = "没有轮廓与这个标记贴合，因此保留所画的原样；若要贴合，请多涂一些。"
NOTHING_FOUND = "那里没有找到轮廓，请点击别处，或用画笔涂抹。"
POLYGON_TOO_THIN = "这个轮廓不包含任何像素，请把顶点拉开一些。"
OUTSIDE = "那里在图片之外，请在图片内标记。"
BOX_TOO_SMALL = "框太小了，请框住整个事物。"
BAD_GESTURE = "无法识别这个标记，请重新画一次。"
SEGMENTER_LOADING = "分割模型还在加载，可以先用画笔涂抹，或稍后再试。"
UNKNOWN_EXAMPLE = "没有这张示例图片，请从列表中选择。"
NO_ADDRESSES = "此处不能打开网址，请保存图片后打开文件。"
MANY_PICTURES = "已打开 {limit} 张图片，请先关闭一张。"
PICTURE_CLOSED = "这张图片已不再打开，请重新打开。"
PICTURE_GONE = "使用人数较多，你的图片已不再保留，请重新打开。"
SESSION_MISSING = "请给出 open_picture 返回的 session。"
SESSION_GONE = "此会话已不再保留，请重新打开图片，并使用新返回的会话。"
UPLOAD_MISSING = "图片没有完整送达，请重新发送。"
TOO_LARGE = "文件大于 {limit} MB，请缩小图片后重试。"
OUT_OF_MEMORY = "内存不足，请用更小的 --dtype（float16）、其他 --device 或更小的模型启动程序。"
OUT_OF_MEMORY_LOADING = "内存放不下 {name}，请用更小的 --dtype（float16）、其他 --device 或更小的模型启动程序。"
UNEXPECTED = "我们这边出了问题；没有丢失任何内容，请重试。"
BAD_SETTINGS = "设置必须是数字，请在“设置”中更正。"

# --- sentences of the core, by their English -------------------------------------------------------------------------
CORE: dict[str, str] = {
    "This file is empty; choose another file.": ("文件是空的，请选择其他文件。"),
    "This file is too large; shrink it and try again.": ("文件太大，请缩小后重试。"),
    "This file is not a picture that can be read; use PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF.": (
        "这不是可以读取的图片，请使用 PNG、JPEG、WebP、GIF、BMP、TIFF 或 AVIF。"
    ),
    "This file is damaged or cut off and cannot be shown; save or download it again.": (
        "文件已损坏或不完整，无法显示，请重新保存或下载。"
    ),
    "This file has no pixels ({width} x {height}); choose another one.": (
        "文件没有像素（{width} x {height}），请选择其他文件。"
    ),
    "This file is {width} x {height} pixels ({size} megapixels), but at most {limit} megapixels can be "
    "opened; shrink it and try again.": (
        "图片为 {width} x {height} 像素（{size} 百万像素），最多只能打开 {limit} 百万像素，请缩小后重试。"
    ),
    "This file uses colours of the kind {mode}, which cannot be read; save it as RGB.": (
        "无法读取 {mode} 这种颜色格式，请另存为 RGB。"
    ),
    "The mask file is empty; choose another file.": ("掩码文件是空的，请选择其他文件。"),
    "The mask file is no picture or JSON that can be read; use PNG, COCO or labelme.": (
        "掩码文件不是可以读取的图片或 JSON，请使用 PNG、COCO 或 labelme。"
    ),
    "The mask file is black all over; the region must be white or opaque.": (
        "掩码文件全是黑色；区域必须是白色或不透明的。"
    ),
    "This labelme file has no shape with an area; draw polygons, rectangles, circles or masks.": (
        "labelme 文件中没有带面积的形状，请绘制多边形、矩形、圆形或掩码。"
    ),
    "This JSON holds no masks; use COCO (run lengths or polygons) or labelme.": (
        "这个 JSON 中没有掩码，请使用 COCO（RLE 或多边形）或 labelme。"
    ),
    "The mask file is for a picture of {width} x {height} pixels, but this one is {other_width} x "
    "{other_height}; a mask must be exactly as large as its picture.": (
        "掩码文件对应 {width} x {height} 像素的图片，而这张是 {other_width} x "
        "{other_height}；掩码必须与图片大小完全一致。"
    ),
    "The mask is {width} x {height} pixels, but the picture is {other_width} x {other_height}; a mask "
    "must be exactly as large as its picture.": (
        "掩码为 {width} x {height} 像素，而图片为 {other_width} x {other_height}；掩码必须与图片大小完全一致。"
    ),
    "The mask file holds {count} masks; at most {limit} can be read.": (
        "掩码文件中有 {count} 个掩码，最多只能读取 {limit} 个。"
    ),
    "The mask file holds {count} shapes; at most {limit} can be read.": (
        "掩码文件中有 {count} 个形状，最多只能读取 {limit} 个。"
    ),
    "The COCO file is about {count} pictures and “{name}” is not exactly one of them; name the picture's "
    "file as the COCO file does.": (
        "COCO 文件包含 {count} 张图片，无法确定“{name}”是其中哪一张；请让图片文件名与 COCO 文件一致。"
    ),
    "Mask {place} of the mask file cannot be used: {reason}": ("无法使用掩码文件中的第 {place} 个掩码：{reason}"),
    "Shape {place} of the mask file cannot be used: {reason}": ("无法使用掩码文件中的第 {place} 个形状：{reason}"),
    "it has neither run lengths nor polygons.": ("既没有 RLE，也没有多边形。"),
    "it covers no pixel of the picture.": ("它没有覆盖图片的任何像素。"),
    "it has too many corners.": ("顶点太多。"),
    "its mask is damaged or larger than the picture.": ("掩码已损坏或大于图片。"),
    "its mask lies outside the picture.": ("掩码在图片之外。"),
    "The mask is empty; mark at least one pixel of the region.": ("掩码是空的，请至少标记区域的一个像素。"),
    "This stroke is too long for so wide a brush; paint it in several strokes.": (
        "画笔这么粗，这一笔太长了，请分几笔来涂。"
    ),
    "This zip file lacks the picture that the conversation is about.": ("这个 zip 文件缺少对话所用的图片。"),
    "This zip file holds no {name}, so it is no exported conversation.": (
        "这个 zip 文件中没有 {name}，因此不是导出的对话。"
    ),
    "This zip file is larger than {limit} MB and is not read.": ("这个 zip 文件大于 {limit} MB，未读取。"),
    "This zip file has more than {limit} entries and is not read.": ("这个 zip 文件的条目超过 {limit} 个，未读取。"),
    "This JSON is no conversation that was exported here; choose the exported zip or JSON file.": (
        "这个 JSON 不是在这里导出的对话，请选择导出的 zip 或 JSON 文件。"
    ),
    "This record is damaged ({reason}); export the conversation again.": ("记录已损坏（{reason}），请重新导出对话。"),
    "The list of labels is empty or has an empty label; type at least one word for each.": (
        "标签列表是空的或含有空标签，每个标签至少输入一个词。"
    ),
    "At most {limit} labels can be scored at once, not {count}.": (
        "一次最多可以评分 {limit} 个标签，现在有 {count} 个。"
    ),
    "The label “{label}” is on the list twice; remove one.": ("标签“{label}”在列表中出现了两次，请删除一个。"),
    "This zip file is damaged or of an unusual kind; export the conversation again.": (
        "zip 文件已损坏或格式不常见，请重新导出对话。"
    ),
    "This JSON file has too many parts to be read; choose another file.": (
        "这个 JSON 文件内容过多，无法读取，请选择其他文件。"
    ),
    "This file is no JSON that can be read; choose another file.": ("这不是可以读取的 JSON，请选择其他文件。"),
    "That is no address of a picture; one begins with http:// or https://.": (
        "这不是图片的网址；网址以 http:// 或 https:// 开头。"
    ),
    "An address with a user name or a password in it is not opened; use a public one.": (
        "带有用户名或密码的网址不会被打开，请使用公开的网址。"
    ),
    "This address leads from one to the next without end; use that of the picture itself.": (
        "此网址不断跳转到别处，请使用图片本身的网址。"
    ),
    "The picture did not arrive within {seconds} seconds; save it and open the file.": (
        "图片未能在 {seconds} 秒内到达，请保存后打开文件。"
    ),
    "{host} does not answer as it should; check the address.": ("{host} 没有正常应答，请检查网址。"),
    "{host} answers {status} instead of a picture; check the address.": (
        "{host} 返回 {status}，而不是图片，请检查网址。"
    ),
    "What is at this address is larger than {limit} MB; use a smaller picture.": (
        "此网址的内容大于 {limit} MB，请使用较小的图片。"
    ),
    "{host} is not in the public internet; save the picture and open the file.": (
        "{host} 不在公共互联网上，请保存图片后打开文件。"
    ),
}
