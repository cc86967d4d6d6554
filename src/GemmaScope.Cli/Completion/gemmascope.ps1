# Completion of gemmascope in PowerShell: gemmascope completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName gemmascope -ScriptBlock {
    param($word, $ast, $cursor)
    $length = $cursor - $ast.Extent.StartOffset
    $line = $ast.ToString().PadRight($length).Substring(0, $length)
    # Where nothing is offered, PowerShell completes the names of files by itself.
    & $ast.CommandElements[0].Value completion powershell --line $line 2>$null | Where-Object { $_ -ne ':files' } | ForEach-Object {
        $text, $help = $_ -split "`t", 2
        [System.Management.Automation.CompletionResult]::new($text, $text, 'ParameterValue', $(if ($help) { $help } else { $text }))
    }
}
