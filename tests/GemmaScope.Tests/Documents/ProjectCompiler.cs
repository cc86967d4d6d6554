using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace GemmaScope.Tests.Documents;

/// <summary>Compiles a program as a new project does that references some of our packages: with its template's implicit usings, the framework,
/// and the assemblies of these packages and of those that they bring, which the host's list of dependencies names. What is compiled against
/// are the assemblies as they were built; <c>scripts/check-packages.sh</c> does the same with the packages.</summary>
internal static class ProjectCompiler
{
    private static readonly string[] Console =

        [
            "System",
            "System.IO",
            "System.Linq",
            "System.Net.Http",
            "System.Threading",
            "System.Threading.Tasks",
            "System.Collections.Generic",
        ],
        Web =

        [
            .. Console,
            "System.Net.Http.Json",
            "Microsoft.AspNetCore.Builder",
            "Microsoft.AspNetCore.Hosting",
            "Microsoft.AspNetCore.Http",
            "Microsoft.AspNetCore.Routing",
            "Microsoft.Extensions.Configuration",
            "Microsoft.Extensions.DependencyInjection",
            "Microsoft.Extensions.Hosting",
            "Microsoft.Extensions.Logging",
        ];

    private static readonly CSharpParseOptions Language = new(LanguageVersion.CSharp14);
    private static readonly CSharpCompilationOptions Options = new(
        OutputKind.ConsoleApplication,
        nullableContextOptions: NullableContextOptions.Enable
    );

    private static readonly Lazy<Dictionary<string, Library>> Libraries = new(ReadLibraries);
    private static readonly Dictionary<string, MetadataReference> References = [];

    /// <summary>What a compiler has against a program: errors and warnings, none if it compiles.</summary>
    public static IEnumerable<string> Problems(PageProgram program)
    {
        if (program.Project.Template is not ("console" or "web"))
            return [$"{program.Name}: no line 'dotnet new console' or 'dotnet new web' says what it is pasted into"];
        if (
            program.Project.Packages.FirstOrDefault(package => package != "GemmaScope.Demo" && !Libraries.Value.ContainsKey(package)) is
            { } none
        )
            return [$"{program.Name}: there is no package {none}"];
        var usings = program.Project.Template == "web" ? Web : Console;
        return CSharpCompilation
            .Create(
                "program",
                [
                    CSharpSyntaxTree.ParseText(string.Concat(usings.Select(name => $"global using {name};\n")), Language, "usings.cs"),
                    CSharpSyntaxTree.ParseText(program.Code, Language, program.Name),
                ],
                Files(program.Project).Select(Reference),
                Options
            )
            .GetDiagnostics()
            .Where(problem => problem.Severity >= DiagnosticSeverity.Warning)
            .Select(problem =>
                $"{program.Name}: {problem.GetMessage()}: "
                + program.Code.Split('\n').ElementAtOrDefault(problem.Location.GetLineSpan().StartLinePosition.Line)
            );
    }

    private static IEnumerable<string> Files(NewProject project)
    {
        HashSet<string> reached = [];
        void Reach(string name)
        {
            if (Libraries.Value.TryGetValue(name, out var library) && reached.Add(name))
                foreach (var dependency in library.Dependencies)
                    Reach(dependency);
        }
        foreach (var package in project.Packages)
            Reach(package);
        var files = reached.SelectMany(name => Libraries.Value[name].Files).Select(file => Path.Combine(AppContext.BaseDirectory, file));
        // The server's package brings the framework that it is written for.
        var web = project.Template == "web" || reached.Contains("GemmaScope.Server");
        return files.Concat(Framework(typeof(object))).Concat(web ? Framework(typeof(WebApplication)) : []);
    }

    private static IEnumerable<string> Framework(Type one) =>
        Directory.GetFiles(Path.GetDirectoryName(one.Assembly.Location)!, "*.dll").Where(IsManaged);

    private static bool IsManaged(string file)
    {
        using var stream = File.OpenRead(file);
        using var reader = new System.Reflection.PortableExecutable.PEReader(stream);
        return reader.HasMetadata;
    }

    private static MetadataReference Reference(string file) =>
        References.TryGetValue(file, out var known) ? known : References[file] = MetadataReference.CreateFromFile(file);

    private static Dictionary<string, Library> ReadLibraries()
    {
        var name = typeof(ProjectCompiler).Assembly.GetName().Name;
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, $"{name}.deps.json")));
        return json
            .RootElement.GetProperty("targets")
            .EnumerateObject()
            .First()
            .Value.EnumerateObject()
            .ToDictionary(
                one => one.Name.Split('/')[0],
                one => new Library(
                    [.. Names(one.Value, "runtime").Select(file => Path.GetFileName(file))],
                    [.. Names(one.Value, "dependencies")]
                )
            );
    }

    private static IEnumerable<string> Names(JsonElement library, string property) =>
        library.TryGetProperty(property, out var names) ? names.EnumerateObject().Select(one => one.Name) : [];

    private sealed record Library(string[] Files, string[] Dependencies);
}
