package lang

// chineseTop is what the live views on the terminal say in Chinese.
var chineseTop = map[string]string{
	"top needs a terminal: info --watch does without": "top 需要终端：info --watch 则不需要", "top is for people: use info --watch --json": "top 是给人看的：请用 info --watch --json",
	"--interval %s: use %s or more": "--interval %s：至少为 %s", "--interval needs --watch": "--interval 须与 --watch 一起用",
	"look every `D`": "每隔 `D` 查看一次", "look every `D`, with --watch": "配合 --watch，每隔 `D` 查看一次", "show it again and again": "反复显示",
	"Show every queue as a bar of its jobs by state, with its rates per minute, every hotqueue, and the workers with what they run.\n\n--watch shows it again and again, in place on a terminal, as one block after another elsewhere, until interrupted.": "以条形显示各队列每种状态的任务和每分钟的速率，并列出 hotqueue 队列和 worker 正在运行的任务。\n\n" +
		"--watch 反复显示，直到被中断：在终端上原地刷新，在别处一段接一段。",
	"Watch everything on the whole terminal, and act from the keyboard": "全屏实时查看一切，并用键盘操作",
	"Show throughput, failures and depth as charts, the queues, the workers with what they run, jobs, and failures by their cause, live on the whole terminal. Jobs can be opened with their stack trace and requeued, one or all that failed for the same cause; queues can be paused and resumed. ? lists the keys.": "全屏实时显示：吞吐量、失败和深度的图表，队列，worker 和正在运行的任务，任务列表，按原因归类的失败。" +
		"可以打开任务查看堆栈并让它重新入队，也可以让同一原因的失败全部重新入队；可以暂停和恢复队列。按 ? 列出按键。",
	"The store does not answer since %s: %s. Trying again.": "存储自 %s 起没有应答：%s。正在重试。", "Looking…": "正在查看……", "every %s · q quits": "每 %s · q 退出", "%s more lines below": "下面还有 %s 行", "↑ ↓ move": "↑ ↓ 移动",

	// Tables and charts.
	"JOBS": "任务数", "LAST": "最近", "FAILURES": "失败", "DONE/S": "成/秒", "finished/s": "完成/秒", "failed/s": "失败/秒", "still to do": "尚待运行", "height %s": "高 %s",
	"%d of %d alive": "%d / %d 个正常", "%d of %d runners busy": "%d / %d 个运行槽忙", "%s runs": "%s 正在运行", "nothing": "没有任务", "queue %s": "队列 %s", "esc: every queue": "esc：所有队列", "the first %d": "前 %d 个",
	"%s causes": "%s 种原因", "the newest %s failed jobs": "最新的 %s 个失败任务", "Nothing matches the filter.": "没有符合筛选条件的。", "filter: %s": "筛选：%s",
	"Job %s is no longer in the store.": "任务 %s 已不在存储中。",

	// Actions.
	"Requeue job %s of task %s?": "要让任务 %s（任务名 %s）重新入队吗？", "Requeue %s of task %s with this cause?": "要让%s（任务名 %s，同一原因）重新入队吗？", "at least %s": "至少 %s", "Requeueing…": "正在重新入队……",
	"A job that is %s cannot be requeued.": "%s的任务不能重新入队。",

	// Keys.
	"Keys": "按键", "yes": "是", "no": "否", "keep": "保留", "take away": "去掉", "back": "返回", "quit": "退出", "move": "移动", "requeue": "重新入队", "requeue all": "全部重新入队", "help": "帮助", "open": "打开", "filter": "筛选", "pause": "暂停", "next page": "下一页",
	"the next page, the one before, or a certain one":                                  "下一页、上一页或某一页",
	"open: the jobs of a queue; a job with its stack trace; the newest job of a cause": "打开：队列的任务；任务及其堆栈；某一原因最新的任务",
	"filter the list; esc takes the filter away":                                       "筛选列表；esc 去掉筛选", "jobs: the next state, the one before": "任务：下一个状态、上一个状态",
	"requeue the job, or all that failed for the cause": "让任务重新入队，或让因此失败的全部重新入队", "suspend": "挂起", "this help": "本帮助",

	// Completion.
	"Print what makes a shell complete this program's command lines": "输出让 shell 自动补全命令行的脚本",
	"Print a script that makes bash, zsh, fish or powershell complete commands and flags at the Tab key, and with them what the store knows: queues, tasks, states and the ids of jobs.\n\nbash:        put   source <(%[1]s completion bash)   into ~/.bashrc; the package bash-completion must be there\nzsh:         %[1]s completion zsh >\"${fpath[1]}/_%[1]s\"\nfish:        %[1]s completion fish >~/.config/fish/completions/%[1]s.fish\npowershell:  put   %[1]s completion powershell | Out-String | Invoke-Expression   into $PROFILE": "输出一个脚本，使 bash、zsh、fish 或 powershell 在按 Tab 键时补全命令和选项，以及存储所知道的：队列、任务名、状态和任务编号。\n\n" +
		"bash：        把   source <(%[1]s completion bash)   写入 ~/.bashrc；需要软件包 bash-completion\n" +
		"zsh：         %[1]s completion zsh >\"${fpath[1]}/_%[1]s\"\n" +
		"fish：        %[1]s completion fish >~/.config/fish/completions/%[1]s.fish\n" +
		"powershell：  把   %[1]s completion powershell | Out-String | Invoke-Expression   写入 $PROFILE",
	"one of %s": "%s 之一", "there is no completion for %q: use one of %s": "没有 %q 的补全：请用 %s 之一",
}
