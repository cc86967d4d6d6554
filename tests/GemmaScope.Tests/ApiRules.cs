using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using GemmaScope.Workbench;

namespace GemmaScope.Tests;

/// <summary>Rules about compiled assemblies and public types; each gives its breaches, one line for each.</summary>
internal static partial class ApiRules
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    /// <summary>References to assemblies that are neither among those allowed nor strangers that are allowed.</summary>
    public static IEnumerable<string> References(Assembly assembly, string[] ours, params string[] forbidden) =>
        from used in assembly.GetReferencedAssemblies()
        let name = used.Name!
        where
            name.StartsWith("gemmascope", StringComparison.OrdinalIgnoreCase)
                ? !ours.Contains(name)
                : forbidden.Any(start => name.StartsWith(start, StringComparison.Ordinal))
        select $"{assembly.GetName().Name} uses {name}";

    /// <summary>Assemblies that may look inside an assembly and are not among those allowed.</summary>
    public static IEnumerable<string> Friends(Assembly assembly, params string[] allowed) =>
        from friend in assembly.GetCustomAttributes<InternalsVisibleToAttribute>()
        where !allowed.Contains(friend.AssemblyName)
        select $"{assembly.GetName().Name} shows its internals to {friend.AssemblyName}";

    /// <summary>Texts of an assembly with words of a command line in them.</summary>
    public static IEnumerable<string> CommandWords(Assembly assembly) =>
        from text in Literals(assembly)
        where CommandWord().IsMatch(text)
        select $"{assembly.GetName().Name}: {text.Trim()}";

    /// <summary>Lines of source that decide by where an error is.</summary>
    public static IEnumerable<string> BranchesOnLocation(IEnumerable<string> lines) => lines.Where(line => LocationBranch().IsMatch(line));

    /// <summary>Lines of a test that wait for a time to pass, or measure one.</summary>
    public static IEnumerable<string> Waits(IEnumerable<string> lines) => lines.Where(line => Waiting().IsMatch(line));

    /// <summary>Methods that can be awaited and do not say so in their names.</summary>
    public static IEnumerable<string> AwaitableNames(IEnumerable<Type> types) =>
        from method in Methods(types)
        where IsAwaitable(method.ReturnType) && !method.Name.EndsWith("Async", StringComparison.Ordinal) && IsOwn(method)
        select $"{method.DeclaringType}.{method.Name} is awaited and does not end in Async";

    /// <summary>Cancellation tokens with another name than everybody's.</summary>
    public static IEnumerable<string> TokenNames(IEnumerable<Type> types) =>
        from method in Methods(types)
        from parameter in method.GetParameters()
        where parameter.ParameterType == typeof(CancellationToken) && parameter.Name != "cancellationToken" && IsOwn(method)
        select $"{method.DeclaringType}.{method.Name} calls its token {parameter.Name}";

    /// <summary>Names that several types bear.</summary>
    public static IEnumerable<string> SharedNames(IEnumerable<Type> types) =>
        from type in types
        where !type.IsNested
        group type.FullName by type.Name into same
        where same.Count() > 1
        select string.Join(" and ", same.Order(StringComparer.Ordinal));

    /// <summary>Jobs that have another form than jobs have.</summary>
    public static IEnumerable<string> Jobs(IEnumerable<Type> types)
    {
        foreach (
            var job in types.Where(type =>
                type is { IsAbstract: true, IsSealed: true } && type.Name.EndsWith("Job", StringComparison.Ordinal)
            )
        )
        {
            var runs = job.GetMethods(Declared).Where(method => method.Name == "RunAsync").ToArray();
            if (runs.Length == 0)
                yield return $"{job} has no RunAsync";
            foreach (var parameters in runs.Select(run => run.GetParameters()))
            {
                if (
                    parameters.Length < 2
                    || parameters[^2] is not { Name: "progress", IsOptional: true }
                    || parameters[^2].ParameterType != typeof(IProgress<JobReport>)
                    || parameters[^1] is not { Name: "cancellationToken", IsOptional: true }
                    || parameters[^1].ParameterType != typeof(CancellationToken)
                )
                    yield return $"{job}.RunAsync does not end with progress and cancellationToken";
                var options = parameters
                    .Select(parameter => parameter.ParameterType)
                    .FirstOrDefault(type => type.Name == $"{job.Name}Options");
                if (options is not { IsSealed: true } || options.GetMethod("<Clone>$") is null)
                    yield return $"{job}.RunAsync takes no sealed record {job.Name}Options";
            }
        }
    }

    /// <summary>The string literals of an assembly.</summary>
    public static IEnumerable<string> Literals(Assembly assembly)
    {
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var metadata = file.GetMetadataReader();
        var handle = MetadataTokens.UserStringHandle(0);
        do
        {
            yield return metadata.GetUserString(handle);
            handle = metadata.GetNextHandle(handle);
        } while (!handle.IsNil);
    }

    private static IEnumerable<MethodInfo> Methods(IEnumerable<Type> types) =>
        from type in types
        where !type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        from method in type.GetMethods(Declared)
        where !method.IsSpecialName && !method.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        select method;

    /// <summary>Whether its name and parameters are ours: others' base classes and interfaces have theirs.</summary>
    private static bool IsOwn(MethodInfo method)
    {
        var type = method.DeclaringType!;
        if (method.GetBaseDefinition().DeclaringType!.Assembly != type.Assembly || typeof(Delegate).IsAssignableFrom(type))
            return false;
        return type.IsInterface
            || type.GetInterfaces()
                .Where(implemented =>
                    implemented.Assembly != type.Assembly && !implemented.Assembly.GetName().Name!.StartsWith("GemmaScope")
                )
                .All(implemented => !type.GetInterfaceMap(implemented).TargetMethods.Contains(method));
    }

    private static bool IsAwaitable(Type type) =>
        type == typeof(Task)
        || type == typeof(ValueTask)
        || (
            type.IsGenericType
            && (
                type.GetGenericTypeDefinition() == typeof(Task<>)
                || type.GetGenericTypeDefinition() == typeof(ValueTask<>)
                || type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>)
            )
        );

    // A variable of CSS begins in the same way.
    [GeneratedRegex(@"(?:^|[\s'(\[,])(?<!var\()--[a-z][a-z0-9-]*(?![a-z0-9:-])")]
    private static partial Regex CommandWord();

    [GeneratedRegex(
        @"Task\.Delay\(|Thread\.Sleep\(|Stopwatch|TickCount|SpinUntil\(|CancelAfter\(|WaitForTimeout|new (CancellationTokenSource|PeriodicTimer)\(TimeSpan|\[(Fact|Theory)\(.*Timeout ="
    )]
    private static partial Regex Waiting();

    [GeneratedRegex(@"\bLocation\s*[!=]=|\bLocation is (?:not )?""|\bLocation: ""|\bLocation switch")]
    private static partial Regex LocationBranch();
}
